// Breaks what nodes share, in a real PostgreSQL and real stores, and expects that very step to complain and no other.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { open, readdir, rm, stat, truncate, unlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { BlobServiceClient } from '@azure/storage-blob'
import { examineFlags } from '../../tests/support/examine-flags.ts'
import { noPostgres } from '../../tests/support/postgres.ts'
import { makeSharedPlace, type SharedPlace } from '../../tests/support/shared-place.ts'
import { type CloudStores, startCloudStores } from '../../tests/support/start-cloud-stores.ts'
import { putBlob } from '../../tests/support/stock-catalogue.ts'
import { openFilesystemBlobs } from '../adapters/filesystem/blobs-filesystem.ts'
import { openNodeName } from '../adapters/filesystem/node-name.ts'
import { loadTls } from '../adapters/tls/tls-files.ts'
import { openLocalIssuer } from '../adapters/tokens/local-issuer.ts'
import { type BlobName, newBlobName } from '../domain/blob.ts'
import { findBlob } from '../store/blobs/blobs.ts'
import { findMark } from '../store/blobs/store-mark.ts'
import { recordOperation } from '../store/operations/record-operation.ts'

const options = { skip: noPostgres }
const LONG_AGO = new Date(Date.now() - 3 * 24 * 3600 * 1000)

type Flags = Record<string, string | string[]>

function examined(
  { databaseUrl, store, folder }: Pick<SharedPlace, 'databaseUrl' | 'store' | 'folder'>,
  { flags = {}, ...options }: { flags?: Flags; isDeep?: boolean; isRepair?: boolean } = {},
) {
  return examineFlags({ data: join(folder, 'no-node'), database: databaseUrl, store, ...flags }, options)
}

/** Where nodes are at work and nothing is wrong. */
async function placeAtWork(store?: string): Promise<SharedPlace> {
  const place = await makeSharedPlace(store === undefined ? {} : { store })
  await place.seeNode('one')
  return place
}

const fileOf = (place: SharedPlace, name: BlobName) => join(place.store, 'v1', name.slice(0, 2), name)

async function flipByte(path: string): Promise<void> {
  const file = await open(path, 'r+')
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, 3)
  await file.write(Buffer.of(~(buffer[0] ?? 0) & 0xff), 0, 1, 3)
  await file.close()
}

let cloud: CloudStores
before(async () => {
  if (noPostgres === false) cloud = await startCloudStores()
})
after(() => cloud?.[Symbol.asyncDispose]())

/** Each kind of store, and how somebody else would write to it. */
const STORES: {
  kind: string
  /** None for a folder. */
  address: () => string | undefined
  overwrite: (place: SharedPlace, name: BlobName, bytes: Buffer) => Promise<void>
}[] = [
  {
    kind: 'a folder',
    address: () => undefined,
    overwrite: (place, name, bytes) => writeFile(fileOf(place, name), bytes),
  },
  {
    kind: 'Azure Blob Storage',
    address: () => `azblob://c${randomBytes(8).toString('hex')}/some/where`,
    async overwrite({ store }, name, bytes) {
      const container = new URL(store).host
      const client = BlobServiceClient.fromConnectionString(cloud.azurite.connectionString).getContainerClient(
        container,
      )
      await client.getBlockBlobClient(`some/where/v1/${name}`).uploadData(bytes)
    },
  },
  {
    kind: 'S3',
    address: () => `s3://b${randomBytes(8).toString('hex')}`,
    overwrite: async ({ store }, name, bytes) => cloud.s3.put(new URL(store).host, `v1/${name}`, bytes),
  },
]

for (const { kind, address, overwrite } of STORES) {
  describe(`aduana doctor of nodes that share ${kind}`, options, () => {
    let place: SharedPlace
    before(async () => {
      place = await placeAtWork(address())
    })
    after(() => place[Symbol.asyncDispose]())
    const stored = () => Array.fromAsync(place.blobs.list())

    test('finds nothing wrong with what is well, shallow and deep, and changes nothing', async () => {
      const before = await stored()
      for (const isDeep of [false, true]) {
        const report = await examined(place, { isDeep })
        assert.deepEqual(report.complaints, [])
        assert.deepEqual(report.skipped, [])
        assert.ok(report.isServerRunning)
        assert.match(report.summaryOf('blobs') ?? '', /^3 blobs with \d+ bytes/)
        assert.equal(report.summaryOf('store-mark'), 'It is the one of this database.')
      }
      assert.deepEqual(await stored(), before)
      const repaired = await examined(place, { isDeep: true, isRepair: true })
      assert.deepEqual([repaired.complaints, repaired.mended], [[], []])
      assert.match(repaired.summaryOf('store') ?? '', /writing was tried/)
      assert.deepEqual(await stored(), before)
    })

    test('takes damaged bytes out of service, and keeps them, while nodes are at work', async () => {
      const { name, bytes } = place.payload
      const damaged = Buffer.from(bytes)
      damaged[7] = 0
      await overwrite(place, name, damaged)
      assert.deepEqual((await examined(place)).complaints, [], 'the size is right')
      const deep = await examined(place, { isDeep: true })
      assert.deepEqual(deep.complaints, ['blobs: problem'])
      assert.match(deep.text, /other bytes than it should.* Run "aduana doctor --repair", and then import/)
      await overwrite(place, name, damaged.subarray(1))
      const cut = await examined(place)
      assert.deepEqual(cut.complaints, ['blobs: problem'])
      assert.match(cut.text, /has 99999 bytes instead of 100000/)

      const { complaints, text, mended } = await examined(place, { isRepair: true })
      assert.deepEqual(complaints, ['blobs: problem'])
      assert.match(text, /is not in the store any more.*Import the very same update again/)
      assert.match(mended.join(), /its bytes are kept as .*damaged/)
      assert.equal(await place.blobs.size(name), undefined)
      const again = await examined(place)
      assert.deepEqual(again.complaints, ['blobs: problem'])
      assert.match(again.notes.join('\n'), /note: 1 damaged copies with 99999 bytes are kept/)

      await overwrite(place, name, bytes)
      assert.deepEqual((await examined(place, { isDeep: true })).complaints, [])
    })

    test('never takes another store for that of the nodes, and repairs nothing there', async () => {
      const other = address() ?? join(place.folder, 'other')
      await using elsewhere = await placeAtWork(other)
      const before = await Array.fromAsync(elsewhere.blobs.list())
      const { complaints, skipped, text } = await examined(place, { flags: { store: other }, isRepair: true })
      assert.deepEqual(complaints, ['store-mark: problem'])
      assert.deepEqual(skipped, ['leftovers', 'blobs'])
      assert.match(text, /is not the one of this database/)
      assert.deepEqual(await Array.fromAsync(elsewhere.blobs.list()), before)
    })

    test('reads what another store still has, and takes it out of service there', async () => {
      const [store, old] = [address() ?? join(place.folder, 'new'), place.store]
      await using empty = await placeAtWork(store)
      for (const { name } of await Array.fromAsync(empty.blobs.list())) await empty.blobs.delete(name)
      const flags = { store, 'read-store': [old] }
      const { complaints, summaryOf } = await examined(place, { flags, isDeep: true })
      assert.deepEqual(complaints, [])
      assert.match(summaryOf('store') ?? '', /, then /)
      await overwrite(place, place.payload.name, Buffer.alloc(place.payload.bytes.length))
      assert.equal((await examined(place, { flags, isDeep: true, isRepair: true })).mended.length, 1)
      assert.equal(await place.blobs.size(place.payload.name), undefined)
    })
  })
}

describe('aduana doctor of nodes', options, () => {
  test('tells who is alive, and what they leave undone', async () => {
    await using place = await makeSharedPlace()
    const none = await examined(place)
    assert.deepEqual([none.complaints, none.isServerRunning], [['nodes: warning'], false])
    assert.match(none.text, /No node is alive/)

    await place.seeNode('a', { isWorker: false })
    assert.match((await examined(place)).text, /No node runs operations/)
    await place.seeNode('a', { isApi: false })
    assert.match((await examined(place)).text, /No node answers requests/)
    await place.seeNode('b', { isWorker: false, version: '1.1.0' })
    await place.seeNode('gone')
    await place.database.query("update nodes set seen_at = seen_at - 600000 where node = 'gone'")
    const { isWell, notes, summaryOf } = await examined(place)
    assert.ok(isWell)
    assert.match(notes.join('\n'), /note: Nodes of several versions are alive: 1\.0\.0, 1\.1\.0\./)
    assert.match(notes.join('\n'), /note: Node gone was last seen 600 s ago/)
    assert.equal(summaryOf('nodes'), '2 alive: b (api, 1.1.0), a (worker, 1.0.0).')
  })

  test('looks at the folder of a node where it is given one, and says so where not', async () => {
    await using place = await placeAtWork()
    assert.match((await examined(place)).summaryOf('data-folder') ?? '', /There is no node in .*no-node/)
    const data = join(place.folder, 'node')
    await openLocalIssuer({ folder: data })
    await openNodeName(data)
    const { isWell, steps } = await examined(place, { flags: { data } })
    assert.ok(isWell)
    assert.ok(!steps.some(({ step }) => step === 'certificates'), 'a worker has none')
    await loadTls({ folder: data, machineName: 'workbench' })
    await rm(join(data, 'tls/server-key.pem'))
    assert.deepEqual((await examined(place, { flags: { data } })).complaints, ['certificates: problem'])
    await rm(join(data, 'tls'), { recursive: true })
    await writeFile(join(data, 'keys/issuer.jwk.json'), '{}')
    assert.deepEqual((await examined(place, { flags: { data } })).complaints, ['data-folder: problem'])
  })

  test('of a data folder that is a node’s says that there is a database to name', async () => {
    await using place = await makeSharedPlace()
    const data = join(place.folder, 'node')
    await openLocalIssuer({ folder: data })
    await openNodeName(data)
    await assert.rejects(
      examineFlags({ data }),
      /is the folder of a node that shares a database: name that with --database/,
    )
    await assert.rejects(examineFlags({ data, database: place.databaseUrl }), /--database needs --store/)
  })

  test('says what keeps the database from being used, without its password', async () => {
    await using place = await makeSharedPlace()
    const away = 'postgres://someone:secret-word@127.0.0.1:1/aduana'
    const report = await examined({ ...place, databaseUrl: away })
    assert.deepEqual(report.complaints, ['database: problem'])
    assert.match(report.text, /cannot be reached \(ECONNREFUSED\)/)
    assert.ok(report.skipped.includes('blobs') && report.skipped.includes('nodes'))
    assert.ok(!JSON.stringify(report).includes('secret-word'))

    await place.database.query('alter table migrations rename to other')
    const foreign = await examined(place)
    assert.deepEqual(foreign.complaints, ['database: problem'])
    assert.match(foreign.text, /There is no catalogue of Aduana in this database/)
  })

  test('looks at indexes and references, and with amcheck at every row', async () => {
    await using place = await placeAtWork()
    const { database } = place
    const plain = await examined(place)
    assert.match(plain.notes.join('\n'), /note: Pages and indexes were not read: .*create extension amcheck/)
    assert.match(plain.summaryOf('database') ?? '', /^PostgreSQL \d+.* answers within [\d.]+ ms\.$/)

    await database.query('create extension amcheck')
    const read = await examined(place, { isDeep: true })
    assert.deepEqual(read.notes, [])
    assert.match(read.summaryOf('database') ?? '', /Every row and every index was read\.$/)

    await database.query("update pg_index set indisvalid = false where indexrelid = 'files_by_content'::regclass")
    await database.query('alter table files disable trigger all')
    const broken = await examined(place)
    assert.deepEqual(broken.complaints, ['database: warning', 'rows: problem'])
    assert.match(broken.text, /The index files_by_content is not valid/)
    assert.match(broken.text, /told not to check the reference files_sha256_fkey/)
  })

  test('finds a catalogue that was moved in half', async () => {
    await using place = await placeAtWork()
    await place.database.query("insert into shared_keys (name, value) values ('moving', 'true')")
    const { complaints, text } = await examined(place)
    assert.deepEqual(complaints, ['schema: problem'])
    assert.match(text, /run "aduana move-database" again/)
  })

  test('never takes the mark of the store out of service, whatever became of its bytes', async () => {
    await using place = await placeAtWork()
    const mark = await findMark(place.database)
    assert.ok(mark)
    await truncate(fileOf(place, mark), 1)
    assert.deepEqual((await examined(place, { isDeep: true, isRepair: true })).complaints, [])
    assert.equal(await place.blobs.size(mark), 1)
    await unlink(fileOf(place, mark))
    assert.deepEqual((await examined(place, { isRepair: true })).complaints, ['store-mark: problem'])
  })

  test('deletes leftovers beside nodes only when they are old, and not what is wanted', async () => {
    await using place = await placeAtWork()
    const { payload, blobs, database } = place
    const partials = join(place.store, 'partial', '0123456789abcdef')
    const another = await openFilesystemBlobs({ folder: place.store, node: '0123456789abcdef' })
    const [young, spare] = [await putBlob(blobs, Buffer.from('young')), await putBlob(blobs, payload.bytes)]
    const [old, oldPartial, wanted] = [
      await putBlob(blobs, Buffer.from('old')),
      ...[1, 2].map((n) => newBlobName(`${n}`.repeat(64))),
    ]
    const youngPartial = newBlobName('3'.repeat(64))
    for (const name of [oldPartial, wanted, youngPartial]) await writeFile(join(partials, name!), 'half')
    for (const path of [
      fileOf(place, old),
      fileOf(place, spare),
      join(partials, oldPartial!),
      join(partials, wanted!),
    ]) {
      await utimes(path, LONG_AGO, LONG_AGO)
    }
    await record(place, 'waiting')
    await database.query(
      `insert into operation_files (operation_id, item, ordinal, file_name, size_in_bytes, bytes_done, phase, content_id, partial)
       values ('waiting', 0, 0, 'a.bin', 8, 4, 'Downloading', 'c', $1)`,
      [wanted!],
    )
    // Of two copies of one content, that in force is damaged.
    await flipByte(fileOf(place, payload.name))

    const told = await examined(place)
    assert.deepEqual(told.complaints, ['leftovers: warning'])
    assert.match(
      told.notes.join('\n'),
      /note: A server that runs deletes leftovers within a day\. Run "aduana doctor --repair"/,
    )
    const { complaints, mended } = await examined(place, { isDeep: true, isRepair: true })
    assert.deepEqual(complaints, [])
    assert.equal(mended.length, 3, mended.join('\n'))
    assert.equal((await findBlob(database, payload.sha256))?.name, spare)
    assert.deepEqual([await blobs.size(old), await another.size(young)], [undefined, 5])
    assert.deepEqual((await readdir(partials)).sort(), [wanted, youngPartial].sort())
  })

  test('frees operations that nobody would take up, and leaves those that a worker has', async () => {
    await using place = await placeAtWork()
    const { database } = place
    for (const id of ['lost', 'far', 'running', 'waiting']) await record(place, id)
    await database.query("update operations set due_at = null where id = 'lost'")
    await database.query("update operations set due_at = due_at + 7200000 where id = 'far'")
    await database.query("update operations set due_at = due_at + 15000, status = 'Running' where id = 'running'")
    const found = await examined(place)
    assert.deepEqual(found.complaints, ['operations: problem'])
    assert.match(found.text, /Operation far .* is stuck: .* Run "aduana doctor --repair"\.$/m)
    const dueOf = async () =>
      Object.fromEntries(
        (await database.query('select id, due_at from operations')).map(({ id, due_at }) => [id, due_at]),
      )
    const before = await dueOf()
    const { complaints, mended } = await examined(place, { isRepair: true })
    assert.deepEqual([complaints, mended.length], [[], 2])
    const after = await dueOf()
    assert.deepEqual([after.running, after.waiting], [before.running, before.waiting])
    assert.ok(Number(after.lost) <= Date.now() + 1000 && Number(after.far) <= Date.now() + 1000)
  })

  test('asks distribution stores whether they can be used', async () => {
    await using place = await placeAtWork()
    const cdn = join(place.folder, 'cdn')
    const well = await examined(place, { flags: { distribute: [`cdn=${cdn}`] } })
    assert.ok(well.isWell)
    assert.deepEqual(well.notes.filter((note) => /cdn/.test(note)).length, 1)
    await assert.rejects(stat(cdn), { code: 'ENOENT' })
    await writeFile(cdn, 'no folder')
    const { complaints, text } = await examined(place, { flags: { distribute: [`cdn=${cdn}`] } })
    assert.deepEqual(complaints, ['distribution: problem'])
    assert.match(text, /The distribution store cdn cannot be used: ENOTDIR/)
  })
})

async function record({ database }: SharedPlace, operationId: string): Promise<void> {
  const request = { kind: 'import' as const, inputs: [] }
  await recordOperation(database, { operationId, instance: 'default', request, requestedBy: 'a test', traceId: '0' })
}
