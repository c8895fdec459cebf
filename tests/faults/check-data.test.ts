import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cp, mkdir, mkdtemp, rm, truncate, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, test } from 'node:test'
import { runDeletion } from '../../src/services/deleting/run-deletion.ts'
import { sweep } from '../../src/services/deleting/sweep.ts'
import { endStatements } from '../../src/store/operations/attempts.ts'
import { bytesOf, changed, type Json } from '../support/import-manifests.ts'
import { serveBytes } from '../support/misbehaving-source.ts'
import { publishUpdate, sha256Of } from '../support/publish-update.ts'
import { startPipeline } from '../support/start-pipeline.ts'
import { pathOf } from './check-blobs.ts'
import { checkData, type FindingCode } from './check-data.ts'

const CHILD = { provider: 'Contoso', name: 'Child', version: '1.0' }
const PARENT = { provider: 'Contoso', name: 'Parent', version: '1.0' }
const BYTES = Buffer.from('what the toaster runs')
const PROGRAM = join(import.meta.dirname, 'check-data.ts')

const NEW_UPLOAD = `insert into staged_uploads (id, instance, subject, issuer, metadata, file_name, size_in_bytes, bytes_received,
  created_at, keep_ms, expires_at, released_at) select ?, instance, '', '', '', '', 1000, ?, 0, 0, 0, ? from instances limit 1`
const NEW_PART = `insert into staged_parts (upload_id, start, sha256, size_in_bytes, is_kept) values (?, 0, ?, ?, true)`
const NEW_BLOB = 'insert into blobs (sha256, name, size_in_bytes, stored_at, idle_since) values (?, ?, ?, 0, ?)'

/** A data folder that a test may break, past every check of the server. */
class BrokenData implements Disposable {
  readonly folder: string
  readonly store: string
  readonly database: DatabaseSync

  constructor(folder: string) {
    this.folder = folder
    this.store = join(folder, 'blobs')
    this.database = new DatabaseSync(join(folder, 'aduana.db'), { enableForeignKeyConstraints: false })
  }

  sql(text: string, ...params: (string | number | null)[]): void {
    const { changes } = this.database.prepare(text).run(...params)
    assert.ok(changes !== 0, `this changes something: ${text}`)
  }

  /** Where the store keeps the copy in force of these bytes. */
  pathOfBytes(bytes: Uint8Array): string {
    const row = this.database.prepare('select name from blobs where sha256 = ?').get(hexOf(bytes))
    return pathOf(this.store, String(row?.name))
  }

  /** Adds a blob with its row. Answers its path. */
  async addBlob(bytes: Uint8Array, idleSince: number | null): Promise<string> {
    const name = `${hexOf(bytes)}.00000000`
    this.sql(NEW_BLOB, hexOf(bytes), name, bytes.byteLength, idleSince)
    return await this.addFile(name, bytes)
  }

  async addFile(name: string, bytes: Uint8Array): Promise<string> {
    const path = pathOf(this.store, name)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, bytes)
    return path
  }

  /** Gives an update another manifest. */
  async replaceManifest(name: string, bytes: Uint8Array): Promise<void> {
    await this.addBlob(bytes, null)
    this.sql(
      'update blobs set idle_since = 0 where sha256 = (select manifest_sha256 from updates where name = ?)',
      name,
    )
    this.sql('update updates set manifest_sha256 = ? where name = ?', hexOf(bytes), name)
  }

  [Symbol.dispose]() {
    if (this.database.isOpen) this.database.close()
  }
}

function hexOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

let folder: string
let manifest: Json

before(async () => {
  await using pipeline = await startPipeline({ onDisk: true })
  const { source, database } = pipeline
  // First, so that it explains nothing that is missing later.
  const deleted = await pipeline.import()
  await pipeline.record({ kind: 'delete', updateId: deleted.updateId })
  await runDeletion(await pipeline.claim(), deleted.updateId, database)
  await pipeline.import({ ...CHILD, version: '01.0', isDeployable: false, files: [{ name: 'a.bin', bytes: BYTES }] })
  // A file that is a related file too, and whose algorithms are written in capitals.
  const related = { filename: 'delta.bin', sizeInBytes: BYTES.byteLength, hashes: { SHA256: sha256Of(BYTES) } }
  const parent = publishUpdate(source, {
    ...PARENT,
    references: [CHILD],
    files: [{ name: 'parent.swu', bytes: Buffer.from('what the parent runs') }],
    changes: { '/files/0/relatedFiles': [related], '/files/0/downloadHandler': { id: 'microsoft/delta:1' } },
  })
  parent.input.files?.push({ filename: 'delta.bin', url: source.at('/delta', serveBytes(BYTES)).href })
  manifest = JSON.parse(parent.manifestBytes.toString())
  await pipeline.run(await pipeline.begin([parent]))

  const failed = await pipeline.begin([publishUpdate(source)])
  const error = { code: 'CannotProcessUpdateFile', message: 'for the sake of a test' }
  await database.batch(endStatements(failed, { status: 'Failed', error }))
  await sweep(pipeline, { graceMs: 0 })

  folder = await mkdtemp(join(tmpdir(), 'aduana-check-'))
  await database.query('pragma wal_checkpoint(truncate)')
  await cp(pipeline.folder, folder, { recursive: true })
})

after(() => rm(folder, { recursive: true, force: true }))

/** A copy of the folder, removed with `using`. */
async function copied(): Promise<AsyncDisposable & { folder: string }> {
  const copy = await mkdtemp(join(tmpdir(), 'aduana-check-'))
  await cp(folder, copy, { recursive: true })
  return { folder: copy, [Symbol.asyncDispose]: () => rm(copy, { recursive: true, force: true }) }
}

async function codesFound(options: Parameters<typeof checkData>[0]): Promise<FindingCode[]> {
  return (await checkData(options)).map(({ code }) => code)
}

test('in a folder that is whole, nothing is found', async () => {
  assert.deepEqual(await checkData({ folder, quiescent: true }), [])
})

test('a folder is checked while a server has it open, with what stands only in the write-ahead log', async () => {
  await using pipeline = await startPipeline({ onDisk: true })
  await pipeline.import()
  assert.deepEqual(await checkData({ folder: pipeline.folder }), [])
  await pipeline.database.query('delete from operation_items')
  assert.deepEqual(await codesFound({ folder: pipeline.folder }), ['operation-result-missing'])
})

test('the program prints what it finds and ends with 1', async () => {
  const run = (...args: string[]) => spawnSync(process.execPath, [PROGRAM, ...args], { encoding: 'utf8' })
  assert.deepEqual([run(folder, '--quiescent').status, run(folder).stdout], [0, ''])
  const { status, stdout } = run(join(folder, 'blobs'))
  assert.equal(status, 1)
  assert.match(stdout, /^database-unreadable: There is no .*aduana\.db\.$/m)
  assert.equal(run().status, 2)
})

interface Damage {
  what: string
  damage(data: BrokenData): unknown
  found: FindingCode[]
  quiescent?: true
}

const OTHER = Buffer.from('bytes of nobody')
const NEW_OPERATION =
  `insert into operations (id, instance, kind, status, request, requested_by, trace_id, created_at, last_action_at, ended_at, ` +
  `due_at, attempt, error, etag) values ('new', 'default', 'import', ?, ?, '', '', 0, 0, ?, ?, 1, ?, '')`
const ERROR = JSON.stringify({ code: 'InternalError', message: 'for the sake of a test' })

const DAMAGES: Damage[] = [
  {
    what: 'an index that lacks a row',
    damage(data) {
      data.database.enableDefensive(false)
      data.database.exec('pragma writable_schema = on')
      data.sql(`update sqlite_schema set sql = replace(sql, 'term', 'instance') where name = 'terms_in_order'`)
      data.sql(
        `update sqlite_schema set sql = 'create index terms_in_order on update_terms (term)' where name = 'terms_in_order'`,
      )
    },
    found: ['database-damaged'],
  },
  {
    what: 'something else in place of the database',
    async damage(data) {
      data.database.close()
      await writeFile(join(data.folder, 'aduana.db'), 'this is no database '.repeat(100))
    },
    found: ['database-unreadable'],
  },
  {
    what: 'a row that names another that is gone',
    damage: (data) =>
      data.sql(`insert into update_references (parent_id, child_id) select 'nobody', id from updates limit 1`),
    found: ['reference-broken'],
  },
  {
    what: 'a hold of no operation',
    damage: (data) => data.sql(`insert into blob_holds (operation_id, sha256) values ('nobody', 'aa')`),
    found: ['reference-broken'],
  },
  {
    what: 'files without the row of their blob',
    damage: (data) => data.sql('delete from blobs where sha256 = ?', hexOf(BYTES)),
    found: ['blob-row-missing', 'blob-row-missing'],
  },
  {
    what: 'a manifest without the row of its blob',
    damage: (data) => data.sql('delete from blobs where sha256 = (select manifest_sha256 from updates limit 1)'),
    found: ['blob-row-missing'],
  },
  {
    what: 'a blob under the name of another content',
    damage: (data) => data.sql(NEW_BLOB, 'aa', 'bb.00000000', 1, 0),
    found: ['blob-name-wrong'],
  },
  { what: 'bytes that are gone', damage: (data) => unlink(data.pathOfBytes(BYTES)), found: ['blob-missing'] },
  {
    what: 'bytes that are too few',
    damage: (data) => truncate(data.pathOfBytes(BYTES), 3),
    found: ['blob-size-wrong'],
  },
  {
    what: 'bytes that are others',
    damage: (data) => writeFile(data.pathOfBytes(BYTES), BYTES.toReversed()),
    found: ['blob-hash-wrong'],
  },
  {
    what: 'a blob that nothing names and that is not idle',
    damage: (data) => data.addBlob(OTHER, null),
    found: ['blob-never-swept'],
  },
  { what: 'a blob that nothing names and that is idle', damage: (data) => data.addBlob(OTHER, 0), found: [] },
  {
    what: 'a manifest that is none',
    damage: (data) => data.replaceManifest('Parent', OTHER),
    found: ['manifest-unreadable'],
  },
  {
    what: 'an update under another identity',
    damage: (data) => data.sql(`update updates set version = '1.1' where name = 'Parent'`),
    found: ['identity-wrong', 'operation-result-missing'],
  },
  {
    what: 'a file that is not there',
    damage: (data) => data.sql(`delete from files where file_name = 'delta.bin'`),
    found: ['files-wrong'],
  },
  {
    what: 'a file that no manifest lists',
    damage: (data) => data.replaceManifest('Parent', bytesOf(changed(manifest, { '/files/0/relatedFiles': [] }))),
    found: ['files-wrong'],
  },
  {
    what: 'a file of another size',
    damage: (data) => data.sql(`update files set size_in_bytes = 4 where file_name = 'delta.bin'`),
    found: ['files-wrong'],
  },
  {
    what: 'a related file that has lost its file',
    damage: (data) => data.sql(`update files set base_file_id = null where file_name = 'delta.bin'`),
    found: ['files-wrong'],
  },
  {
    what: 'a file with another hash',
    damage: (data) =>
      data.sql(`update files set hashes = json_set(hashes, '$.md5', 'AAAA') where file_name = 'parent.swu'`),
    found: ['files-wrong', 'stated-hash-wrong'],
  },
  {
    what: 'a file that is kept under the digest of another',
    damage: (data) => data.sql(`update files set sha256 = ? where file_name = 'parent.swu'`, hexOf(BYTES)),
    // The bytes that are kept there are not what the row promises either, and nothing names the right ones any more.
    found: ['files-wrong', 'stated-hash-wrong', 'blob-never-swept'],
  },
  {
    what: 'a reference that is not kept',
    damage: (data) => data.sql('delete from update_references'),
    found: ['update-reference-missing'],
  },
  {
    what: 'a reference into another instance',
    damage: (data) => data.sql(`update updates set instance = 'other' where name = 'Child'`),
    // And the operation that imported it finds it no more.
    found: ['update-reference-missing', 'operation-result-missing'],
  },
  {
    what: 'a reference that no manifest has',
    damage: (data) =>
      data.replaceManifest('Parent', bytesOf(changed(manifest, { '/instructions/steps/1/type': 'inline' }))),
    found: ['update-reference-undeclared'],
  },
  {
    what: 'a running operation that is never due',
    damage: (data) => data.sql(NEW_OPERATION, 'Running', '{}', null, null, null),
    found: ['operation-stuck'],
  },
  {
    what: 'a waiting operation without its request',
    damage: (data) => data.sql(NEW_OPERATION, 'NotStarted', null, null, 0, null),
    found: ['operation-stuck'],
  },
  {
    what: 'a running operation that has ended',
    damage: (data) => data.sql(NEW_OPERATION, 'Running', '{}', 0, 0, null),
    found: ['operation-status-wrong'],
  },
  {
    what: 'an operation that ended at no time',
    damage: (data) => data.sql(NEW_OPERATION, 'Failed', null, null, null, ERROR),
    found: ['operation-status-wrong'],
  },
  {
    what: 'an operation of a status that there is not',
    damage: (data) => data.sql(NEW_OPERATION, 'Canceled', null, 0, null, null),
    found: ['operation-status-wrong'],
  },
  {
    what: 'an operation that ended and is due',
    damage: (data) => data.sql(NEW_OPERATION, 'Failed', null, 0, 0, ERROR),
    found: ['operation-not-wiped'],
  },
  {
    what: 'an operation that ended and keeps its request',
    damage: (data) => data.sql(NEW_OPERATION, 'Failed', '{}', 0, null, ERROR),
    found: ['operation-not-wiped'],
  },
  {
    what: 'an operation that failed without an error',
    damage: (data) => data.sql(NEW_OPERATION, 'Failed', null, 0, null, null),
    found: ['operation-error-wrong'],
  },
  {
    what: 'an operation that succeeded with an error',
    damage: (data) => data.sql(`update operations set error = ? where kind = 'delete'`, ERROR),
    found: ['operation-error-wrong'],
  },
  {
    what: 'an operation that ended and holds a blob',
    damage(data) {
      data.sql(NEW_OPERATION, 'Failed', null, 0, null, ERROR)
      data.sql('insert into blob_holds values (?, ?)', 'new', hexOf(BYTES))
    },
    found: ['hold-left'],
  },
  {
    what: 'an import whose update is gone without a deletion',
    damage: (data) => data.sql(`update operations set status = 'Failed', error = ? where kind = 'delete'`, ERROR),
    found: ['operation-result-missing'],
  },
  {
    what: 'an upload that lacks a part',
    damage: (data) => data.sql(NEW_UPLOAD, 'u', 3, null),
    found: ['staged-wrong'],
  },
  {
    what: 'a part of an upload without the row of its blob',
    damage(data) {
      data.sql(NEW_UPLOAD, 'u', 3, null)
      data.sql(NEW_PART, 'u', 'aa', 3)
    },
    found: ['staged-wrong'],
  },
  {
    what: 'an upload that was released and kept its parts',
    damage(data) {
      data.sql(NEW_UPLOAD, 'u', 0, 1)
      data.sql(NEW_PART, 'u', hexOf(BYTES), BYTES.byteLength)
    },
    found: ['staged-wrong'],
  },
  {
    what: 'an upload that an operation uses which has ended',
    damage(data) {
      data.sql(NEW_UPLOAD, 'u', 0, null)
      data.sql(`insert into staged_uses select id, 'u' from operations where status = 'Failed' limit 1`)
    },
    found: ['staged-held'],
  },
  {
    what: 'an upload with all that it says',
    damage(data) {
      data.sql(NEW_UPLOAD, 'u', BYTES.byteLength, null)
      data.sql(NEW_PART, 'u', hexOf(BYTES), BYTES.byteLength)
    },
    found: [],
    quiescent: true,
  },
  {
    what: 'an operation that has not ended, where nothing should run,',
    damage: (data) => data.sql(NEW_OPERATION, 'NotStarted', '{}', null, 0, null),
    found: ['operation-unfinished'],
    quiescent: true,
  },
  {
    what: 'a blob that nothing names, where all should be swept,',
    damage: (data) => data.addBlob(OTHER, 0),
    found: ['blob-unused'],
    quiescent: true,
  },
  {
    what: 'a copy that no row names, where all should be swept,',
    damage: (data) => data.addFile(`${hexOf(BYTES)}.00000000`, BYTES),
    found: ['copy-left'],
    quiescent: true,
  },
  {
    what: 'a partial, where all should be swept,',
    damage: (data) => writeFile(join(data.store, 'partial', 'begun'), ''),
    found: ['partial-left'],
    quiescent: true,
  },
]

describe('what is broken is found:', () => {
  for (const { what, damage, found, quiescent } of DAMAGES) {
    test(found.length > 0 ? what : `but not ${what}`, async () => {
      await using copy = await copied()
      {
        using data = new BrokenData(copy.folder)
        await damage(data)
      }
      assert.deepEqual(await codesFound({ folder: copy.folder, ...(quiescent && { quiescent }) }), found)
    })
  }
})
