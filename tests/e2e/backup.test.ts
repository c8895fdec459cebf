import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { get } from 'node:https'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { type ApiClient, createApiClient } from '../../src/client/api-client.ts'
import { formatUpdateId } from '../../src/domain/update-id.ts'
import { importWithoutPause } from '../support/import-without-pause.ts'
import { type MisbehavingSource, stall, startSource } from '../support/misbehaving-source.ts'
import { eventually, importAndWait } from '../support/operation-end.ts'
import { type PublishedUpdate, publishUpdate, requestsFor, SIGNATURE } from '../support/publish-update.ts'
import { runAduana } from '../support/run-aduana.ts'
import { type Aduana, startAduana } from '../support/start-aduana.ts'

const ALLOW = ['--allow-source', '127.0.0.0/8']

let root: string
let source: MisbehavingSource
let aduana: Aduana
let client: ApiClient

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'aduana-e2e-backup-'))
  source = await startSource()
  aduana = await startAduana({ flags: [...ALLOW, '--sweep-after', '500ms'], inFolder: true })
  client = await aduana.client()
})
after(async () => {
  await aduana?.[Symbol.asyncDispose]()
  await source?.[Symbol.asyncDispose]()
  await rm(root, { recursive: true, force: true })
})

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
}

/** Every update that a server has, after each of its bytes was compared with what was published. */
async function comparedUpdates(restored: ApiClient, published: ReadonlyMap<string, PublishedUpdate>) {
  const keys = new Set<string>()
  for await (const { updateId } of restored.listUpdates()) {
    const key = formatUpdateId(updateId)
    keys.add(key)
    const { files } = await restored.getUpdateWithContent(updateId)
    assert.equal(files.length, published.get(key)?.payloads.size)
    for (const { fileName, contentUrl } of files) {
      const answer = await fetch(contentUrl)
      assert.equal(answer.status, 200)
      const bytes = Buffer.from(await answer.arrayBuffer())
      assert.ok(bytes.equals(published.get(key)?.payloads.get(fileName) ?? Buffer.of()), `${key} ${fileName}`)
    }
  }
  return keys
}

test('backups that are made and killed while imports and deletions run are complete and consistent when restored', async () => {
  const to = join(root, 'under-load')
  const bytes = Buffer.alloc(300_000, 'half')
  const half = publishUpdate(source, {
    files: [{ name: 'half.bin', bytes, behaviour: stall(bytes, { afterBytes: 150_000 }) }],
  })
  const { operationId } = await client.importUpdate([half.input])
  await eventually('it is asked for', () => requestsFor(source, half.paths.get('half.bin')) === 1)

  const load = importWithoutPause(client, source)
  await eventually('there is something to copy', () => load.settled().size > 10)
  const begun = eventually(
    'it has begun',
    () => existsSync(to) && readdirSync(to).some((name) => /^snapshot/.test(name)),
  )
  const killed = await runAduana(['backup', '--data', aduana.folder, '--to', to], { killed: begun })
  assert.equal(killed.status, null)
  for (let round = 0; round < 2; round += 1) {
    const { status, stderr } = await runAduana(['backup', '--data', aduana.folder, '--to', to])
    assert.equal(status, 0, stderr)
    await delay(200)
  }
  const settledBefore = load.settled()
  const deletedBefore = load.deleted()
  const last = await runAduana(['backup', '--data', aduana.folder, '--to', to, '--json'])
  assert.equal(last.status, 0, last.stderr)
  const deletedByThen = new Set([...load.published.keys()].filter((key) => !load.settled().has(key)))
  await load.stop()

  const report = JSON.parse(last.stdout)
  assert.ok(report.interrupted >= 1 && report.updates > 0, last.stdout)
  assert.ok(deletedBefore.size > 0, 'the load was one')
  for (const path of await filesIn(to)) assert.ok(!readFileSync(path).includes(SIGNATURE), path)

  const token = await aduana.token()
  const folder = join(root, 'restored')
  const restoring = await runAduana(['restore', '--from', to, '--data', folder])
  assert.equal(restoring.status, 0, restoring.stderr)
  assert.match(
    restoring.stdout,
    /^Restored \d+ updates with \d+ blobs of \d+ bytes.*every byte was checked.*InterruptedByRestore/,
  )

  await using second = await startAduana({ flags: [...ALLOW, '--sweep-after', '500ms'], folder })
  // The token of the old server, and what trusts its certificates.
  const restored = createApiClient({ baseUrl: second.httpUrl, token, instance: 'default', dialect: '2022' })
  const ca = await readFile(join(aduana.folder, 'tls/ca.pem'))
  const status = await new Promise((resolve, reject) => {
    get(`${second.httpsUrl}/healthz`, { ca, agent: false }, (answer) => resolve(answer.resume().statusCode)).on(
      'error',
      reject,
    )
  })
  assert.equal(status, 200)

  // Sweep has had its chance when they are compared.
  await delay(1500)
  const keys = await comparedUpdates(restored, load.published)
  assert.equal(keys.size, report.updates)
  for (const key of settledBefore) assert.ok(keys.has(key) || deletedByThen.has(key), `${key} was there before`)
  for (const key of deletedBefore) assert.ok(!keys.has(key), `${key} was deleted before`)

  const { status: end, error } = await restored.getOperation(operationId)
  assert.equal(end, 'Failed')
  assert.equal(error?.code, 'InterruptedByRestore')
  source.at(half.paths.get('half.bin') ?? '', (_request, response) => void response.end(bytes))
  assert.equal((await importAndWait(restored, [half.input])).status, 'Succeeded', 'it can be imported again')
})

test('a stopped server is backed up, too, also one that was killed', async () => {
  await using other = await startAduana({ flags: ALLOW, inFolder: true })
  const update = publishUpdate(source)
  assert.equal((await importAndWait(await other.client(), [update.input])).status, 'Succeeded')
  await other.stop('SIGKILL')
  const to = join(root, 'stopped')
  const { status, stdout, stderr } = await runAduana(['backup', '--data', other.folder, '--to', to])
  assert.equal(status, 0, stderr)
  assert.match(
    stdout,
    /^Backed up 1 update with 2 blobs of \d+ bytes.*2 blobs of \d+ bytes came in, 0 blobs went out.*Keep it secret/,
  )
  const folder = join(root, 'restored-after-kill')
  await runAduana(['restore', '--from', to, '--data', folder])
  await using restored = await startAduana({ flags: ALLOW, folder })
  const published = new Map([[formatUpdateId(update.updateId), update]])
  assert.equal((await comparedUpdates(await restored.client(), published)).size, 1)

  await restored.stop('SIGTERM')
  const again = await runAduana(['backup', '--data', folder, '--to', to])
  assert.match(again.stdout, /^Backed up 1 update with 2 blobs.*0 blobs of 0 bytes came in/, again.stderr)
})

test('without keys the tokens of the old server open nothing, and the commands say so', async () => {
  const to = join(root, 'without-keys')
  const backup = await runAduana(['backup', '--data', aduana.folder, '--to', to, '--without-keys'])
  assert.match(backup.stdout, /The keys of the server are not in it/)
  const folder = join(root, 'new-keys')
  const restoring = await runAduana(['restore', '--from', to, '--data', folder])
  assert.match(restoring.stdout, /no keys: the first start makes new ones/)
  await using second = await startAduana({ flags: ALLOW, folder })
  const url = `${second.httpUrl}/deviceUpdate/default/updates/providers?api-version=2022-10-01`
  const ask = async (token: string) => (await fetch(url, { headers: { authorization: `Bearer ${token}` } })).status
  assert.deepEqual([await ask(await aduana.token()), await ask(await second.token())], [401, 200])
})

test('a restore that is killed leaves a folder that no server starts on, and is simply run again', async () => {
  const large = publishUpdate(source, { files: [{ name: 'large.bin', bytes: Buffer.alloc(60_000_000, 'large') }] })
  assert.equal((await importAndWait(client, [large.input])).status, 'Succeeded')
  const from = join(root, 'large')
  assert.equal((await runAduana(['backup', '--data', aduana.folder, '--to', from])).status, 0)
  const unfinished = join(root, 'unfinished')
  const begun = eventually('it has begun', () => existsSync(join(unfinished, 'restore.unfinished')))
  const killed = await runAduana(['restore', '--from', from, '--data', unfinished], { killed: begun })
  assert.equal(killed.status, null)
  await assert.rejects(startAduana({ flags: ALLOW, folder: unfinished }), /has not ended.*Run aduana restore again/)
  const again = await runAduana(['restore', '--from', from, '--data', unfinished])
  assert.equal(again.status, 0, again.stderr)
  await using second = await startAduana({ flags: ALLOW, folder: unfinished })
  assert.deepEqual((await (await second.client()).getUpdate(large.updateId)).updateId, large.updateId)
})

test('what cannot be done is told in a sentence, with exit code 1', async () => {
  const to = join(root, 'without-keys')
  const refused = async (args: string[], pattern: RegExp, options = {}) => {
    const { status, stdout, stderr } = await runAduana(args, options)
    assert.equal(status, 1)
    assert.equal(stdout, '')
    assert.match(stderr, pattern)
    assert.doesNotMatch(stderr, /\n {4}at /, 'no stack')
  }
  await refused(['backup', '--data', aduana.folder], /--to/)
  await refused(['backup', '--data', join(root, 'nowhere'), '--to', join(root, 'x')], /There is no Aduana in .*nowhere/)
  await refused(['restore', '--from', join(root, 'nowhere'), '--data', join(root, 'x')], /no finished backup in/)
  await refused(['restore', '--from', to, '--data', aduana.folder], /is not empty/)
  assert.ok(!existsSync(join(root, 'x')))

  // Somebody else can run the program only where they can reach it.
  if (process.getuid?.() === 0 && isOpenToAll(process.execPath)) {
    await chmod(root, 0o755)
    const nobody = { uid: 65534 }
    const open = join(root, 'open')
    await mkdir(open)
    await chmod(open, 0o777)
    await refused(['backup', '--data', aduana.folder, '--to', join(open, 'b')], /cannot be read.*right/s, nobody)
    await chmod(aduana.folder, 0o755)
    await refused(['backup', '--data', aduana.folder, '--to', join(open, 'b')], /No right to|cannot be opened/, nobody)
    await refused(['restore', '--from', to, '--data', join(open, 'r')], /No right to/, nobody)
  }
})

test('help shows both commands with examples', async () => {
  assert.match((await runAduana(['--help'])).stdout, /backup[\s\S]*restore/)
  assert.match(
    (await runAduana(['backup', '--help'])).stdout,
    /ADUANA_DATA[\s\S]*--without-keys[\s\S]*aduana backup --data/,
  )
  assert.match((await runAduana(['restore', '--help'])).stdout, /aduana restore --from/)
})

function isOpenToAll(path: string): boolean {
  const isOpen = (statSync(path).mode & 0o001) !== 0
  return isOpen && (dirname(path) === path || isOpenToAll(dirname(path)))
}
