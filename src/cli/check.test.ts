import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { bytesOf, changed, validManifest } from '../../tests/support/import-manifests.ts'
import { checkManifests } from './check.ts'

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'aduana-check-'))
  const manifest = validManifest('5.0')
  const content = Buffer.from('toaster')
  const sha256 = createHash('sha256').update(content).digest('base64')
  const right = changed(manifest, { '/files/0/hashes/sha256': sha256 })
  const broken = changed(manifest, { '/updateId': undefined, '/files/0/sizeInBytes': '7', '/files/1': 'x' })
  const files = {
    'good.json': bytesOf(manifest),
    'advised.json': bytesOf(changed(manifest, { '/instructions/steps/0/handlerProperties': undefined })),
    'broken.json': bytesOf(broken),
    'page.json': Buffer.from('<html></html>'),
    'apt.json': Buffer.from('{"name":"base","version":"1.0","packages":[{"name":"tzdata"}]}'),
    'bad-apt.json': Buffer.from('{"name":"base","packages":[{"name":"tzdata"}]}'),
    'beside/toaster.swu': content,
    'beside/right.json': bytesOf(right),
    'beside/wrong-hash.json': bytesOf(manifest),
    'beside/wrong-size.json': bytesOf(changed(right, { '/files/0/sizeInBytes': 8 })),
    'beside/apt.json': bytesOf(changed(right, { '/instructions/steps/0/handler': 'microsoft/apt:1' })),
    'hostile.json': bytesOf(changed(manifest, { '/files/0/properties': { '\u009b2J': {} }, '/a\u001b[2J': 1 })),
  }
  await mkdir(join(folder, 'beside'))
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(folder, name), bytes)
})
after(() => rm(folder, { recursive: true }))

async function check(...paths: string[]) {
  const lines: string[] = []
  const exitCode = await checkManifests({
    paths: paths.map((path) => join(folder, path)),
    print: (line) => lines.push(line.slice(folder.length + 1)),
  })
  return { exitCode, lines }
}

test('a valid manifest is a line with the identity of its update, and its files are looked for beside it', async () => {
  assert.deepEqual(await check('good.json'), {
    exitCode: 0,
    lines: [
      'good.json: valid, Contoso/Toaster/1.0 (manifest 5.0)',
      'good.json: not beside it, not checked: toaster.swu, delta.dat',
    ],
  })
  const lines: string[] = []
  const paths = [join(folder, 'good.json')]
  assert.equal(await checkManifests({ paths, manifestOnly: true, print: (line) => lines.push(line) }), 0)
  assert.equal(lines.length, 1)
})

test('files beside a manifest are compared with it', async () => {
  assert.deepEqual(await check('beside/right.json'), {
    exitCode: 0,
    lines: [
      'beside/right.json: valid, Contoso/Toaster/1.0 (manifest 5.0)',
      'beside/right.json: 1 file beside it as described',
      'beside/right.json: not beside it, not checked: delta.dat',
    ],
  })
  const wrongHash = await check('beside/wrong-hash.json')
  assert.equal(wrongHash.exitCode, 1)
  assert.match(wrongHash.lines[1] ?? '', /error HashMismatch at \/files\/0: "toaster\.swu" .* has the SHA-256 uEsP/)
  const wrongSize = await check('beside/wrong-size.json')
  assert.equal(wrongSize.exitCode, 1)
  assert.match(wrongSize.lines[1] ?? '', /error SizeMismatch at \/files\/0: .* has 7 bytes, but should have 8\./)
})

test('the payload of an apt step that is no APT manifest is advice, whatever else is right', async () => {
  const { exitCode, lines } = await check('beside/apt.json')
  assert.equal(exitCode, 0)
  assert.match(lines.at(-1) ?? '', /warning: "toaster\.swu", the APT manifest: The APT manifest is not JSON/)
})

test('an APT manifest is judged as one', async () => {
  assert.deepEqual(await check('apt.json'), { exitCode: 0, lines: ['apt.json: valid, APT manifest base 1.0'] })
  const { exitCode, lines } = await check('bad-apt.json')
  assert.equal(exitCode, 1)
  assert.match(lines[0] ?? '', /^bad-apt\.json: error MemberMissing: The APT manifest lacks "version"/)
})

test('a warning is shown and leaves the manifest valid', async () => {
  const { exitCode, lines } = await check('advised.json')
  assert.equal(exitCode, 0)
  assert.equal(lines[0], 'advised.json: valid, Contoso/Toaster/1.0 (manifest 5.0)')
  assert.match(lines[1] ?? '', /^advised\.json: warning at \/instructions\/steps\/0: .*"installedCriteria"/)
  assert.equal(lines.length, 3)
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
