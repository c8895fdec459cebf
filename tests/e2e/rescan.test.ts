// What is found infected after its import, with a real clamd whose signatures change. Where there is none, the tests say so.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { noClamd, startClamd } from '../support/clamd.ts'
import { startSource } from '../support/misbehaving-source.ts'
import { eventually, importAndWait } from '../support/operation-end.ts'
import { publishUpdate } from '../support/publish-update.ts'
import { type Aduana, startAduana } from '../support/start-aduana.ts'

const options = { skip: noClamd }
const PROGRAM = new URL('../../bin/aduana.js', import.meta.url).pathname
const WORM = { name: 'Test.Worm', bytes: Buffer.from('a worm that nobody has heard of yet') }

function start(clamdUrl: string, ...flags: string[]): Promise<Aduana> {
  return startAduana({
    flags: ['--allow-source', '127.0.0.0/8', '--scanner', clamdUrl, '--scan-max', '1048576', ...flags],
  })
}

/** Runs `aduana rescan` against the server as a person would. */
function rescan(aduana: Aduana, ...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const all = [PROGRAM, 'rescan', '--server', aduana.httpUrl, '--data', aduana.folder, ...args]
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('ADUANA_')))
  return new Promise((resolve) => {
    execFile(process.execPath, all, { env, timeout: 30_000 }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    )
  })
}

test(
  'malware that newer signatures know is withdrawn and marked, and comes back when it was a false alarm',
  options,
  async () => {
    await using clamd = await startClamd()
    await using source = await startSource()
    await using aduana = await start(clamd.socketUrl)
    const client = await aduana.client('2022')
    const files = [
      { name: 'tool.bin', bytes: Buffer.concat([Buffer.from('something and '), WORM.bytes]) },
      { name: 'readme.txt', bytes: Buffer.from('harmless') },
    ]
    const update = publishUpdate(source, { files })
    assert.equal((await importAndWait(client, [update.input])).status, 'Succeeded')
    const { etag, files: contents } = await client.getUpdateWithContent(update.updateId)
    const urlOf = (name: string) => contents.find(({ fileName }) => fileName === name)?.contentUrl ?? ''
    const served = async () => {
      const answers = await Promise.all(files.map(({ name }) => fetch(urlOf(name), { headers: { range: 'bytes=0-' } })))
      return answers.map(({ status }) => status)
    }
    const listed = async () => (await Array.fromAsync(client.listUpdates())).map(({ scanResult }) => scanResult)
    assert.deepEqual(await served(), [206, 206])

    const clean = await rescan(aduana)
    assert.equal(clean.code, 0, clean.err)
    assert.match(clean.out, /default: 2 contents, clean\.\n$/)

    await clamd.teach(WORM)
    assert.deepEqual(await served(), [206, 206])
    // Signatures of one's own have no version, so that only --all makes sure.
    const infected = await rescan(aduana, '--all')
    assert.equal(infected.code, 2, infected.err)
    const { provider, name, version } = update.updateId
    assert.ok(infected.out.includes(`default: infected: ${provider}/${name}/${version}\n`), infected.out)
    assert.match(infected.out, /default: of 2 contents, 1 infected \(withdrawn from \/content[^)]*\)\.\n$/)
    assert.deepEqual(await served(), [404, 206])
    assert.deepEqual(await listed(), ['Infected'])
    assert.notEqual((await client.getUpdate(update.updateId)).etag, etag)
    const [fileId = ''] = await Array.fromAsync(client.listFiles(update.updateId))
    const file = await client.getFile({ updateId: update.updateId, fileId })
    assert.equal(file.scanResult, 'Infected')
    assert.match(file.scanDetails ?? '', /found Test\.Worm/)

    await clamd.teach(undefined)
    const restored = await rescan(aduana, '--all', '--json')
    assert.equal(restored.code, 0, restored.err)
    const outcome = JSON.parse(restored.out)
    assert.deepEqual([outcome.instance, outcome.total, outcome.infected], ['default', 2, 0])
    assert.deepEqual(await served(), [206, 206])
    assert.deepEqual(await listed(), ['Success'])

    const audit = (await readFile(join(aduana.folder, 'audit.jsonl'), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    const asked = audit.filter(({ action }) => action === 'rescan')
    assert.deepEqual(
      asked.map(({ subject }) => subject),
      ['local', 'local', 'local'],
    )
    assert.match(asked[0].target, /^not yet scanned with ClamAV /)
    assert.equal(asked[1].target, 'everything')
  },
)

test('a rescan goes on after a crash in the middle of it', options, async () => {
  await using clamd = await startClamd()
  await using source = await startSource()
  await using first = await start(clamd.socketUrl)
  const files = Array.from({ length: 8 }, (_, index) => ({ name: `${index}.bin`, bytes: Buffer.alloc(100_000, index) }))
  const update = publishUpdate(source, { files: [...files, { name: 'tool.bin', bytes: WORM.bytes }] })
  assert.equal((await importAndWait(await first.client(), [update.input])).status, 'Succeeded')
  await clamd.teach(WORM)
  await clamd.kill()
  await eventually('the server sees that clamd is away', () => /clamd.*(ended its session|stopped)/.test(first.log()))
  const refused = await rescan(first)
  assert.equal(refused.code, 1)
  assert.match(refused.err, /The malware scanner is away/)
  await clamd.start()
  await (await first.client()).startRescan({ everything: true })
  clamd.freeze()
  await eventually('the rescan begins', () => first.log().includes('rescan goes on'))
  await first.stop('SIGKILL')
  clamd.thaw()

  await using second = await first.restart()
  const client = await second.client()
  await eventually('the rescan ends', async () => (await client.getRescan()).endedDateTime !== undefined, 20_000)
  const { total, remaining, infected, infectedUpdates } = await client.getRescan()
  assert.deepEqual([total, remaining, infected, infectedUpdates], [9, 0, 1, [update.updateId]])

  const asked = await rescan(second, '--all', '--no-wait')
  assert.deepEqual([asked.code, asked.out], [0, 'default: the server scans 9 contents again.\n'], asked.err)
})

test('what cannot be asked for is told in a sentence, with a code of its own where there is no scanner', async () => {
  await using aduana = await startAduana()
  const { code, err } = await rescan(aduana, '--instance', 'default')
  assert.equal(code, 1)
  assert.match(err, /^aduana: This server has no malware scanner\./)
  const client = await aduana.client()
  await assert.rejects(client.startRescan(), { status: 409, code: 'ScannerNotConfigured' })
  await assert.rejects(client.getRescan(), { status: 404, code: 'NotFound' })
  await aduana.stop()
  const nowhere = await rescan(aduana, '--instance', 'default')
  assert.equal(nowhere.code, 1)
  assert.match(nowhere.err, /^aduana: No Aduana answers at http:\/\/127\.0\.0\.1:\d+ \(ECONNREFUSED\)/)
})
