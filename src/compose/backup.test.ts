import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { stall } from '../../tests/support/misbehaving-source.ts'
import { publishUpdate, SIGNATURE } from '../../tests/support/publish-update.ts'
import { type Pipeline, startPipeline } from '../../tests/support/start-pipeline.ts'
import { openFilesystemBlobs } from '../adapters/filesystem/blobs-filesystem.ts'
import { openDataFolder } from '../adapters/filesystem/data-folder.ts'
import { lockData } from '../adapters/sqlite/data-lock.ts'
import { openSqlite } from '../adapters/sqlite/database-sqlite.ts'
import { openLocalIssuer } from '../adapters/tokens/local-issuer.ts'
import type { BlobName } from '../domain/blob.ts'
import { newWebhookSecret } from '../domain/webhook.ts'
import type { Database } from '../ports/database.ts'
import { recogniseStore } from '../services/blobs/recognise-store.ts'
import { runDeletion } from '../services/deleting/run-deletion.ts'
import { sweep } from '../services/deleting/sweep.ts'
import { findMark } from '../store/blobs/store-mark.ts'
import { findWebhook, listSendingWebhooks, setWebhook } from '../store/events/webhooks.ts'
import { guardAttempt } from '../store/operations/attempts.ts'
import { noteItems } from '../store/operations/operation-items.ts'
import { findOperation } from '../store/operations/operations.ts'
import { backUpFolder, hasKeys, restoreFolder } from './backup.ts'

const root = await mkdtemp(join(tmpdir(), 'aduana-backup-'))
after(() => rm(root, { recursive: true, force: true }))
const newFolder = () => join(root, randomBytes(4).toString('hex'))

const backUp = (pipeline: Pipeline, to: string, { withKeys = true, verify = false } = {}) =>
  backUpFolder({ data: pipeline.folder, to, withKeys, verify })

/** Restores and answers the restored catalogue and its bytes by name. */
async function restored(from: string, data = newFolder()) {
  await restoreFolder({ from, data })
  const database = openSqlite(join(data, 'aduana.db'))
  try {
    return { data, rows: await updatesOf(database), bytes: await bytesOf(data, database) }
  } finally {
    await database.close()
  }
}

const updatesOf = (database: Database) =>
  database.query(
    `select u.instance, u.provider, u.name, u.version, u.etag, u.imported_at, f.file_id, f.sha256, f.content_id
       from updates u left join files f on f.update_id = u.id order by u.id, f.file_id`,
  )

async function bytesOf(data: string, database: Database): Promise<Map<string, string>> {
  const blobs = await openFilesystemBlobs({ folder: join(data, 'blobs') })
  const bytes = new Map<string, string>()
  for (const { name } of await database.query('select name from blobs order by name')) {
    const chunks = await Array.fromAsync(await blobs.open(String(name) as BlobName))
    bytes.set(String(name), Buffer.concat(chunks).toString('base64'))
  }
  return bytes
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
}

async function blobPath(folder: string, pipeline: Pipeline, base64: string): Promise<string> {
  const sha256 = Buffer.from(base64, 'base64').toString('hex')
  const [row] = await pipeline.database.query('select name from blobs where sha256 = $1', [sha256])
  return join(folder, 'blobs/v1', sha256.slice(0, 2), String(row?.name))
}

const hashOf = ({ input }: ReturnType<typeof publishUpdate>) => input.importManifest.hashes.sha256 ?? ''

async function deleteAndSweep(pipeline: Pipeline, updateId: { provider: string; name: string; version: string }) {
  await pipeline.record({ kind: 'delete', updateId })
  await runDeletion(await pipeline.claim(), updateId, pipeline.database)
  await sweep(pipeline, { graceMs: 0 })
}

describe('backup and restore', () => {
  test('keep every update, every byte, the audit log and the keys, with the rights that they need', async () => {
    await using pipeline = await startPipeline({ onDisk: true })
    await openLocalIssuer({ folder: pipeline.folder })
    await writeFile(join(pipeline.folder, 'audit.jsonl'), '{"action":"one"}\n{"action":"t')
    await pipeline.import({ files: [{ name: 'large.bin', bytes: randomBytes(3_000_000) }] })
    await pipeline.import({ provider: 'Zeppelin' }, 'other')
    const to = newFolder()
    const report = await backUp(pipeline, to)
    assert.deepEqual(
      [report.updates, report.blobs, report.copiedBlobs, report.interrupted, hasKeys(report)],
      [2, 4, 4, 0, true],
    )

    const { data, rows, bytes } = await restored(to)
    assert.deepEqual(rows, await updatesOf(pipeline.database))
    assert.deepEqual(bytes, await bytesOf(pipeline.folder, pipeline.database))
    const same = async (path: string) =>
      assert.deepEqual(await readFile(join(data, path)), await readFile(join(pipeline.folder, path)))
    await same('installation.json')
    await same('keys/issuer.jwk.json')
    assert.equal(await readFile(join(data, 'audit.jsonl'), 'utf8'), '{"action":"one"}\n', 'whole lines only')
    const modes = async (folder: string, paths: string[]) =>
      await Promise.all(paths.map(async (path) => (await stat(join(folder, path))).mode & 0o777))
    assert.deepEqual(await modes(data, ['keys', 'keys/issuer.jwk.json', 'aduana.db']), [0o700, 0o600, 0o640])
    assert.deepEqual(await modes(to, ['.', report.snapshot, 'backup.json']), [0o700, 0o700, 0o600])
    await openDataFolder(data)
  })

  test('know a store that is elsewhere, and keep its mark, so that a server knows it again', async () => {
    await using pipeline = await startPipeline({ onDisk: true })
    await pipeline.import()
    const title = 'the store'
    await recogniseStore(pipeline, { title, mayMark: true })
    const store = { kind: 'folder', path: newFolder() } as const
    await rename(join(pipeline.folder, 'blobs'), store.path)
    const to = newFolder()
    const report = await backUpFolder({ data: pipeline.folder, store, to, withKeys: true, verify: false })
    assert.equal(report.blobs, 3)
    const { data } = await restored(to)
    const database = openSqlite(join(data, 'aduana.db'), { readOnly: true })
    const blobs = await openFilesystemBlobs({ folder: join(data, 'blobs') })
    assert.ok(await findMark(database))
    await recogniseStore({ database, blobs }, { title, mayMark: false })
    await database.close()
  })

  test('end what was in progress, and never write a signature or what belongs to it', async () => {
    await using pipeline = await startPipeline({ onDisk: true })
    const kept = await pipeline.import()
    const bytes = randomBytes(50_000)
    const running = await pipeline.begin([
      publishUpdate(pipeline.source, { files: [{ name: 'a', bytes, behaviour: stall(bytes, { afterBytes: 100 }) }] }),
    ])
    await pipeline.database.batch([
      guardAttempt(running),
      ...noteItems(running, [{ updateId: { provider: 'a', name: 'b', version: '1' } }], 0),
    ])
    const waiting = await pipeline.record({ kind: 'delete', updateId: kept.updateId })
    const secret = newWebhookSecret()
    const hook = { instance: 'default', name: 'hook', url: 'https://a.example', types: undefined, secret }
    await setWebhook(pipeline.database, hook, {
      action: 'set-webhook',
      instance: 'default',
      address: '::1',
      traceId: '',
    })
    const live = Buffer.concat(await Promise.all((await filesIn(pipeline.folder)).map((path) => readFile(path))))
    assert.ok(live.includes(SIGNATURE), 'the live catalogue has it')

    const to = newFolder()
    assert.equal((await backUp(pipeline, to)).interrupted, 2)
    for (const path of await filesIn(to)) {
      assert.ok(!(await readFile(path)).includes(SIGNATURE), path)
      assert.ok(!(await readFile(path)).includes(secret), path)
      assert.doesNotMatch(path, /-(wal|shm|journal)$/)
    }

    const { data } = await restored(to)
    const database = openSqlite(join(data, 'aduana.db'))
    for (const [operationId, verb] of [
      [running.operationId, /Import again/],
      [waiting, /Delete again/],
    ] as const) {
      const operation = await findOperation(database, 'default', operationId)
      assert.equal(operation?.status, 'Failed')
      assert.equal(operation?.error?.code, 'InterruptedByRestore')
      assert.match(operation?.error?.message ?? '', verb)
    }
    const [left] = await database.query(
      'select count(*) as n from operations where due_at is not null or request is not null',
    )
    assert.equal(left?.n, 0)
    const swept = await sweep(
      { database, blobs: await openFilesystemBlobs({ folder: join(data, 'blobs') }) },
      { graceMs: 0 },
    )
    assert.equal(swept.blobsDeleted, 0, 'nothing that is needed is on its way out')
    assert.equal((await findWebhook(database, hook))?.hasSecret, false)
    assert.deepEqual(await listSendingWebhooks(database), [], 'a restored server tells nobody until it is told to')
    await database.close()
    const [alive] = await pipeline.database.query('select count(*) as n from operations where due_at is not null')
    assert.equal(alive?.n, 2, 'the live catalogue is as it was')
  })

  test('again into the same folder take what is new, and drop what nothing names any more', async () => {
    await using pipeline = await startPipeline({ onDisk: true })
    const first = await pipeline.import()
    await pipeline.import()
    const to = newFolder()
    await backUp(pipeline, to)
    await deleteAndSweep(pipeline, first.updateId)
    await pipeline.import()

    const report = await backUp(pipeline, to)
    assert.deepEqual([report.copiedBlobs, report.removedBlobs, report.blobs], [2, 2, 4])
    assert.deepEqual((await readdir(to)).sort(), ['backup.json', 'backup.lock', 'blobs', report.snapshot])
    assert.deepEqual((await restored(to)).rows, await updatesOf(pipeline.database))
    assert.deepEqual([(await backUp(pipeline, to)).copiedBlobs], [0])
  })

  test('--verify finds and mends a copy that was damaged in the backup', async () => {
    await using pipeline = await startPipeline({ onDisk: true })
    const update = await pipeline.import()
    const to = newFolder()
    await backUp(pipeline, to)
    const copy = await blobPath(to, pipeline, hashOf(update))
    const bytes = await readFile(copy)
    await chmod(copy, 0o600)
    await writeFile(
      copy,
      bytes.map((byte) => byte ^ 1),
    )

    const data = newFolder()
    await assert.rejects(restoreFolder({ from: to, data }), /damaged.*not those that its name stands for.*Toaster/s)
    await assert.rejects(openDataFolder(data), /has not ended.*aduana restore again/, 'no server may use that')
    assert.equal((await backUp(pipeline, to)).copiedBlobs, 0)
    assert.equal((await backUp(pipeline, to, { verify: true })).copiedBlobs, 1)
    assert.deepEqual((await restored(to, data)).rows, await updatesOf(pipeline.database), 'the same command goes on')
    await openDataFolder(data)
  })

  test('without keys need new ones, and say so', async () => {
    await using pipeline = await startPipeline({ onDisk: true })
    const { issuer } = await openLocalIssuer({ folder: pipeline.folder })
    await pipeline.import()
    const to = newFolder()
    await backUp(pipeline, to)
    assert.equal(hasKeys(await backUp(pipeline, to, { withKeys: false })), false)
    const names = (await filesIn(to)).join('\n')
    assert.doesNotMatch(names, /keys|tls/)
    const { data } = await restored(to)
    assert.ok(!existsSync(join(data, 'keys')))
    assert.equal((await openLocalIssuer({ folder: data })).issuer, issuer, 'it is the same installation')
  })

  test('of a catalogue that nobody has imported into work, too', async () => {
    await using pipeline = await startPipeline({ onDisk: true })
    const to = newFolder()
    assert.equal((await backUp(pipeline, to)).blobs, 0)
    assert.deepEqual((await restored(to)).rows, [])
  })
})

describe('backup', () => {
  test('reports damaged blobs with an update that needs each, copies the others, and leaves the last backup in force', async () => {
    await using pipeline = await startPipeline({ onDisk: true })
    await pipeline.import()
    const to = newFolder()
    await backUp(pipeline, to)
    const before = await restored(to)

    const short = await pipeline.import({ provider: 'Short' })
    const wrong = await pipeline.import({ provider: 'Wrong' })
    await pipeline.import({ provider: 'Good' })
    await truncate(await blobPath(pipeline.folder, pipeline, hashOf(short)), 7)
    const wrongPath = await blobPath(pipeline.folder, pipeline, hashOf(wrong))
    await writeFile(wrongPath, Buffer.alloc((await stat(wrongPath)).size, 'x'))
    await assert.rejects(backUp(pipeline, to), (error: Error) => {
      assert.match(error.message, /7 bytes in place of \d+; Short\/Toaster\/1\.0 in default needs it/)
      assert.match(error.message, /not those that its name stands for; Wrong\/Toaster\/1\.0 in default needs it/)
      assert.doesNotMatch(error.message, /Good/)
      return true
    })
    assert.deepEqual((await restored(to)).rows, before.rows)
    assert.equal((await readdir(to)).filter((name) => name.startsWith('snapshot')).length, 1)

    await deleteAndSweep(pipeline, short.updateId)
    await deleteAndSweep(pipeline, wrong.updateId)
    assert.equal((await backUp(pipeline, to)).copiedBlobs, 0, 'the good ones are there already')
    assert.deepEqual((await restored(to)).rows, await updatesOf(pipeline.database))
  })

  test('reports a blob that is missing', async () => {
    await using pipeline = await startPipeline({ onDisk: true })
    const update = await pipeline.import({ provider: 'Gone' })
    await rm(await blobPath(pipeline.folder, pipeline, hashOf(update)))
    await assert.rejects(backUp(pipeline, newFolder()), /it is missing; Gone\/Toaster\/1\.0 in default needs it/)
  })

  test('refuses folders that it would do harm in, or that are no data folder', async () => {
    await using pipeline = await startPipeline({ onDisk: true })
    const foreign = newFolder()
    await mkdir(foreign)
    await writeFile(join(foreign, 'thesis.txt'), 'mine')
    await assert.rejects(backUp(pipeline, foreign), /something else in it than backups: thesis\.txt/)
    await assert.rejects(backUp(pipeline, pipeline.folder), /is in the data folder/)
    await assert.rejects(backUp(pipeline, join(pipeline.folder, 'blobs')), /is in the data folder/)
    await assert.rejects(backUp(pipeline, join(pipeline.folder, 'new')), /is in the data folder/)
    const sound = (await readdir(pipeline.folder)).sort()
    assert.ok(!sound.includes('new'))
    await assert.rejects(
      backUpFolder({ data: foreign, to: newFolder(), withKeys: true, verify: false }),
      /no Aduana in/,
    )
    assert.deepEqual((await readdir(pipeline.folder)).sort(), sound)
  })

  test('refuses to put itself in the place of the backup of another installation', async () => {
    await using pipeline = await startPipeline({ onDisk: true })
    await using other = await startPipeline({ onDisk: true })
    for (const { folder } of [pipeline, other]) await openLocalIssuer({ folder })
    await pipeline.import()
    const to = newFolder()
    await backUp(pipeline, to)
    await assert.rejects(backUp(other, to), /has the backup of another installation/)
    assert.deepEqual((await restored(to)).rows, await updatesOf(pipeline.database))
  })

  test('refuses to run twice into one folder', async () => {
    await using pipeline = await startPipeline({ onDisk: true })
    const to = newFolder()
    await backUp(pipeline, to)
    const lock = await lockData(join(to, 'backup.lock'), 0)
    await assert.rejects(backUp(pipeline, to), /Another backup to .* goes on at this moment/)
    lock.release()
    await backUp(pipeline, to)
  })

  test('refuses a catalogue of a newer schema, or a damaged one', async () => {
    await using pipeline = await startPipeline({ onDisk: true })
    await pipeline.import({ provider: 'Zeppelin' })
    await pipeline.database.query(`insert into migrations (number, name, ran_at) values (99, '0099-later.sql', 0)`)
    await assert.rejects(backUp(pipeline, newFolder()), /written by a newer Aduana \(schema 99/)
    await pipeline.database.query('delete from migrations where number = 99')

    await pipeline.database.query('pragma wal_checkpoint(truncate)')
    const data = newFolder()
    await cp(pipeline.folder, data, { recursive: true })
    const file = join(data, 'aduana.db')
    const sound = await readFile(file)
    const refuses = async (broken: Buffer, pattern: RegExp) => {
      await writeFile(file, broken)
      const to = newFolder()
      await assert.rejects(backUpFolder({ data, to, withKeys: true, verify: false }), pattern)
      assert.deepEqual((await readdir(to)).sort(), ['backup.lock', 'blobs'])
    }
    await refuses(Buffer.from(sound).fill(0xff, 4096), /damaged/)
    // One of the places where it stands is an index.
    const bytes = Buffer.from(sound)
    bytes[bytes.lastIndexOf('zeppelin')] = 'y'.charCodeAt(0)
    await refuses(bytes, /damaged: .*index.*Run aduana doctor/)

    await writeFile(file, sound)
    const database = openSqlite(file)
    await database.query('pragma foreign_keys = off')
    await database.query('delete from blobs')
    await database.close()
    await refuses(await readFile(file), /a row of \w+ names one that is not there/)
  })
})

describe('restore', () => {
  test('refuses a backup that is incomplete, damaged or not finished, and touches nothing', async () => {
    await using pipeline = await startPipeline({ onDisk: true })
    const update = await pipeline.import()
    const from = newFolder()
    const { snapshot } = await backUp(pipeline, from)
    const data = newFolder()
    const refuses = async (pattern: RegExp) => {
      await assert.rejects(restoreFolder({ from, data }), pattern)
      assert.ok(!existsSync(data))
    }

    const copy = await blobPath(from, pipeline, hashOf(update))
    const bytes = await readFile(copy)
    await rm(copy)
    await refuses(/incomplete, so nothing was restored:.*missing or has another size; .*Toaster/s)
    await writeFile(copy, bytes)

    const catalogue = join(from, snapshot, 'aduana.db')
    const sound = await readFile(catalogue)
    await writeFile(catalogue, Buffer.from(sound).fill(1, 5000, 5001))
    await refuses(/aduana\.db is damaged/)
    await rm(catalogue)
    await refuses(/aduana\.db is missing/)
    await writeFile(catalogue, sound)

    const description = join(from, 'backup.json')
    const text = await readFile(description, 'utf8')
    await writeFile(description, text.replace('"format": 1', '"format": 2'))
    await refuses(/backup of form 2/)
    await writeFile(description, text.replace(/"schema": \d+/, '"schema": 99'))
    await refuses(/with schema 99/)
    await writeFile(description, text.replace(snapshot, '../../etc'))
    await refuses(/does not describe a backup/)
    await writeFile(description, text.slice(0, 100))
    await refuses(/does not describe a backup/)
    await rm(description)
    await refuses(/no finished backup/)
    await writeFile(description, text)
    await restored(from, data)
  })

  test('refuses a folder that is not empty, or used by a server', async () => {
    await using pipeline = await startPipeline({ onDisk: true })
    await pipeline.import()
    const from = newFolder()
    await backUp(pipeline, from)
    const rows = await updatesOf(pipeline.database)
    await assert.rejects(restoreFolder({ from, data: pipeline.folder }), /is not empty: it has aduana\.db/)
    assert.deepEqual(await updatesOf(pipeline.database), rows)

    const data = newFolder()
    await mkdir(data)
    const lock = await lockData(join(data, 'lock.db'), 0)
    await assert.rejects(restoreFolder({ from, data }), /Another server uses this data folder/)
    lock.release()
    await restored(from, data)
  })

  test('needs nothing but reading, as of a medium that cannot be written', async () => {
    await using pipeline = await startPipeline({ onDisk: true })
    await pipeline.import()
    const from = newFolder()
    const { snapshot } = await backUp(pipeline, from)
    const before = (await filesIn(from)).sort()
    await restored(from)
    assert.deepEqual((await filesIn(from)).sort(), before, 'nothing is written beside it')
    assert.equal((await readFile(join(from, snapshot, 'aduana.db')))[18], 1, 'no write-ahead log is needed to read it')
  })
})
