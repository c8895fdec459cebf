// `aduana doctor` as an operator runs it: beside a server at work, after one that was killed, and to mend.
import assert from 'node:assert/strict'
import { readdir, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { newBlobName } from '../../src/domain/blob.ts'
import { type MisbehavingSource, startSource } from '../support/misbehaving-source.ts'
import { importAndWait } from '../support/operation-end.ts'
import { publishUpdate } from '../support/publish-update.ts'
import { runAduana } from '../support/run-aduana.ts'
import { startAduana } from '../support/start-aduana.ts'

let source: MisbehavingSource
before(async () => {
  source = await startSource()
})
after(() => source?.[Symbol.asyncDispose]())

const doctor = (...args: string[]) => runAduana(['doctor', ...args])

interface Report {
  format: number
  version: string
  data: string
  database: string
  store: string
  isWell: boolean
  isServerRunning: boolean
  steps: {
    step: string
    title: string
    status: string
    summary: string
    findings: { level: string; message: string; target?: string }[]
    findingsLeftOut: number
    mended: { message: string; target?: string }[]
    mendedLeftOut: number
  }[]
}

async function report(folder: string, ...args: string[]) {
  const { status, stdout, stderr } = await doctor('--data', folder, '--json', ...args)
  assert.equal(stderr, '')
  const document = JSON.parse(stdout) as Report
  assert.equal(status, document.isWell ? 0 : 1)
  return document
}

const complaintsOf = ({ steps }: Report) => steps.filter(({ status }) => status !== 'ok').map(({ step }) => step)

test('a server at work is well; what breaks beneath it is found, mended while it stands still, and healed', async () => {
  await using server = await startAduana({ inFolder: true })
  const { folder } = server
  const update = publishUpdate(source, { files: [{ name: 'toaster.swu', bytes: Buffer.alloc(300_000, 'swu') }] })
  const client = await server.client()
  assert.equal((await importAndWait(client, [update.input])).status, 'Succeeded')

  const running = await doctor('--data', folder, '--deep')
  assert.equal(running.status, 0, running.stdout + running.stderr)
  assert.match(running.stdout, /^ok {6}Data folder/)
  assert.match(running.stdout, /^ok {6}Blobs +2 blobs with \d+ bytes in all; every byte was hashed\.$/m)
  assert.match(running.stdout, /All is well in .* \(a server runs\)\.\n$/)
  assert.ok(!running.stdout.includes('\u001b'), 'no colours but on a terminal')
  const refused = await doctor('--data', folder, '--repair')
  assert.equal(refused.status, 1)
  assert.match(refused.stderr, /^aduana: Nothing can be repaired while a server runs, so stop it first\. .*is locked/)

  const payload = await largestBlob(folder)
  await truncate(payload.path, payload.sizeInBytes - 1)
  const broken = await report(folder)
  assert.deepEqual([broken.isServerRunning, complaintsOf(broken)], [true, ['blobs']])

  assert.equal(await server.stop('SIGKILL'), null)
  await writeFile(join(folder, 'blobs/partial', newBlobName('ab'.repeat(32))), 'left by a crash')
  const mended = await report(folder, '--repair')
  assert.deepEqual([mended.isServerRunning, complaintsOf(mended)], [false, ['blobs']])
  const said = mended.steps.flatMap(({ mended }) => mended.map(({ target }) => target))
  assert.ok(said.includes(payload.name), JSON.stringify(mended))
  await assert.rejects(stat(payload.path), { code: 'ENOENT' })
  assert.deepEqual(await readdir(join(folder, 'blobs/partial')), [])

  await using second = await server.restart()
  const again = await second.client()
  const answer = await again.getUpdateWithContent(update.updateId)
  const content = await fetch(answer.files[0]?.contentUrl ?? '')
  assert.ok(content.status >= 400, 'damaged bytes are not served')
  await content.body?.cancel()

  assert.equal((await importAndWait(again, [update.input])).status, 'Succeeded', 'the very same update heals it')
  const healed = await report(folder, '--deep')
  assert.deepEqual(complaintsOf(healed), [])
  const notes = healed.steps.flatMap(({ findings }) => findings.map(({ message }) => message))
  assert.match(notes.join(), /1 damaged copies .* are kept out of service/)
})

test('the report for programs has the documented members', async () => {
  await using server = await startAduana({ inFolder: true })
  await server.stop()
  const document = await report(server.folder, '--deep')
  const head = ['format', 'version', 'data', 'database', 'store', 'isWell', 'isServerRunning', 'steps']
  assert.deepEqual(Object.keys(document), head)
  const { format, data, database, store, isWell } = document
  const { folder } = server
  assert.deepEqual(
    [format, data, database, store, isWell],
    [1, folder, join(folder, 'aduana.db'), join(folder, 'blobs'), true],
  )
  assert.deepEqual(
    document.steps.map(({ step }) => step),
    [
      ...['data-folder', 'disk-space', 'database', 'schema', 'rows', 'clock', 'operations'],
      ...['store', 'store-mark', 'leftovers', 'blobs', 'idle-blobs', 'distribution', 'certificates'],
    ],
  )
  const members = ['step', 'title', 'status', 'summary', 'findings', 'findingsLeftOut', 'mended', 'mendedLeftOut']
  for (const step of document.steps) assert.deepEqual(Object.keys(step), members)

  await rm(join(server.folder, 'blobs/partial'), { recursive: true })
  const broken = await report(server.folder)
  const finding = broken.steps.find(({ status }) => status === 'problem')?.findings[0]
  assert.equal(finding?.level, 'problem')
  assert.match(finding?.message ?? '', /The folder .*partial is missing/)
})

test('a scanner that is away, and a folder that is not Aduana’s, are told', async () => {
  await using server = await startAduana({ inFolder: true })
  await server.stop()
  const away = await report(server.folder, '--scanner', 'clamd://127.0.0.1:1')
  assert.deepEqual(complaintsOf(away), ['scanner'])
  const none = await doctor('--data', join(server.folder, 'blobs'))
  assert.equal(none.status, 1)
  assert.match(none.stderr, /^aduana: There is no Aduana in .*blobs: name its data folder with --data, .*\n$/)
})

async function largestBlob(folder: string) {
  let largest = { name: '', path: '', sizeInBytes: -1 }
  const shelves = join(folder, 'blobs/v1')
  for (const shelf of await readdir(shelves)) {
    for (const name of await readdir(join(shelves, shelf))) {
      const path = join(shelves, shelf, name)
      const { size } = await stat(path)
      if (size > largest.sizeInBytes) largest = { name, path, sizeInBytes: size }
    }
  }
  return largest
}
