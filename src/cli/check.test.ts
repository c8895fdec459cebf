import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { bytesOf, changed, validManifest } from '../../tests/support/import-manifests.ts'
import { checkManifests } from './check.ts'

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'aduana-check-'))
  const manifest = validManifest('5.0')
  const broken = changed(manifest, { '/updateId': undefined, '/files/0/sizeInBytes': '7', '/files/1': 'x' })
  const files = {
    'good.json': bytesOf(manifest),
    'advised.json': bytesOf(changed(manifest, { '/instructions/steps/0/handlerProperties': undefined })),
    'broken.json': bytesOf(broken),
    'page.json': Buffer.from('<html></html>'),
    'hostile.json': bytesOf(changed(manifest, { '/files/0/properties': { '\u009b2J': {} }, '/a\u001b[2J': 1 })),
  }
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(folder, name), bytes)
})
after(() => rm(folder, { recursive: true }))

async function check(...paths: string[]) {
  const lines: string[] = []
  const exitCode = await checkManifests({
    paths,
    read: (path) => readFile(join(folder, path)),
    print: (line) => lines.push(line),
  })
  return { exitCode, lines }
}

test('a valid manifest is one line with the identity of its update', async () => {
  assert.deepEqual(await check('good.json'), {
    exitCode: 0,
    lines: ['good.json: valid, Contoso/Toaster/1.0 (manifest 5.0)'],
  })
})

test('a warning is shown and leaves the manifest valid', async () => {
  const { exitCode, lines } = await check('advised.json')
  assert.equal(exitCode, 0)
  assert.equal(lines[0], 'advised.json: valid, Contoso/Toaster/1.0 (manifest 5.0)')
  assert.match(lines[1] ?? '', /^advised\.json: warning at \/instructions\/steps\/0: .*"installedCriteria"/)
  assert.equal(lines.length, 2)
})

test('every mistake is a line with its code and JSON Pointer', async () => {
  const { exitCode, lines } = await check('broken.json')
  assert.equal(exitCode, 1)
  assert.deepEqual(
    lines.map((line) => line.split(': ', 2)),
    [
      ['broken.json', 'error MemberMissing'],
      ['broken.json', 'error TypeWrong at /files/0/sizeInBytes'],
      ['broken.json', 'error TypeWrong at /files/1'],
    ],
  )
})

test('one bad file among good ones makes the exit code 1, and the others are judged all the same', async () => {
  const { exitCode, lines } = await check('page.json', 'absent.json', 'good.json')
  assert.equal(exitCode, 1)
  assert.match(lines[0] ?? '', /^page\.json: error DocumentNotJson: This is a web page/)
  assert.match(lines[1] ?? '', /^absent\.json: error: cannot be read: ENOENT/)
  assert.match(lines[2] ?? '', /^good\.json: valid/)
})

test('names in a manifest cannot move the cursor of a terminal', async () => {
  const { lines } = await check('hostile.json')
  assert.equal(lines.length, 1)
  assert.match(lines[0] ?? '', /at \/a\\u001b\[2J: /)
  assert.doesNotMatch(lines.join(''), /\p{Cc}/u)
})
