// A large store takes a while.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openPostgresDatabase } from '../../tests/support/open-database.ts'
import { noPostgres } from '../../tests/support/postgres.ts'
import type { BlobName } from '../domain/blob.ts'
import type { BlobStore, StoredBlob } from '../ports/blob-store.ts'
import type { StoreUpkeep } from '../ports/upkeep.ts'
import { checkBlobs } from '../services/doctor/check-blobs.ts'
import { checkLeftovers } from '../services/doctor/check-leftovers.ts'
import { runDoctor } from '../services/doctor/doctor.ts'

const MiB = 1024 * 1024

test('a million blobs are examined by two lists, with no question for a single one, in memory that does not grow with them', {
  skip: noPostgres,
}, async () => {
  const BLOBS = 1_000_000
  const database = await openPostgresDatabase()
  for (let first = 0; first < BLOBS; first += 100_000) {
    await database.query(
      `insert into blobs (sha256, name, size_in_bytes, stored_at)
         select lpad(to_hex(n), 64, '0'), lpad(to_hex(n), 64, '0') || '.00000000', n % 1000, 1
           from generate_series($1::int, $2::int) n`,
      [first, first + 99_999],
    )
  }
  // Two are not as they should be: one is missing, and one in its place is not in force.
  const nameOf = (n: number, copy = '00000000') => `${n.toString(16).padStart(64, '0')}.${copy}` as BlobName
  const asked: string[] = []
  let lists = 0
  let peakBytes = 0
  const blobs = {
    async *list(): AsyncGenerator<StoredBlob> {
      lists += 1
      for (let n = 0; n < BLOBS; n += 1) {
        if (n % 50_000 === 0) peakBytes = Math.max(peakBytes, process.memoryUsage().heapUsed)
        yield { name: n === 777_777 ? nameOf(n, '00000001') : nameOf(n), sizeInBytes: n % 1000, storedAt: 1 }
      }
    },
    async size(name: BlobName) {
      asked.push(name)
      return undefined
    },
  } as unknown as BlobStore
  const upkeep = { partials: () => [], damaged: () => [] } as unknown as StoreUpkeep
  const common = { database: () => database, blobs: () => blobs, upkeep, isRepair: false, howToRepair: 'Repair' }
  const before = process.memoryUsage().heapUsed
  const steps = [
    checkLeftovers({ ...common, isAlone: false }),
    checkBlobs({ ...common, listed: () => blobs.list(), isDeep: false }),
  ]
  const [leftovers, found] = await runDoctor(steps.map((step) => ({ ...step, needs: [] })))
  assert.deepEqual(
    leftovers?.findings.map(({ target }) => target),
    [nameOf(777_777, '00000001'), undefined],
  )
  assert.equal(leftovers?.summary, '1000000 copies are in the store.')
  assert.deepEqual(
    found?.findings.map(({ target }) => target),
    [nameOf(777_777)],
  )
  assert.deepEqual([lists, asked], [2, [nameOf(777_777)]])
  const grownMiB = (peakBytes - before) / MiB
  assert.ok(grownMiB < 100, `the heap grew by ${Math.round(grownMiB)} MiB`)
  await database.close()
})
