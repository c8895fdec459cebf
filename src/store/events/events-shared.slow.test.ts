// Batches commit in any order, and two nodes may give numbers at the same time: who reads by numbers must still miss nothing.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { newPostgresDatabase, sharedPostgres } from '../../../tests/support/open-database.ts'
import { noPostgres } from '../../../tests/support/postgres.ts'
import { simpleManifest } from '../../../tests/support/seed-catalogue.ts'
import { openPostgres } from '../../adapters/postgres/database-postgres.ts'
import { newBlobName } from '../../domain/blob.ts'
import { newContentId } from '../../domain/distribution.ts'
import type { Event } from '../../domain/event.ts'
import type { Database } from '../../ports/database.ts'
import { recordBlob } from '../blobs/blobs.ts'
import { createInstances } from '../instances.ts'
import { recordOperation } from '../operations/record-operation.ts'
import { newUpdateId, publishUpdates } from '../updates/publish.ts'
import { listEvents, numberEvents } from './events.ts'

const IMPORTS = 200
const NODES = 4
const INSTANCES = ['blue', 'red']

let nodes: Database[] = []
before(async () => {
  if (noPostgres !== false) return
  const url = (await sharedPostgres()).url(await newPostgresDatabase())
  nodes = Array.from({ length: NODES }, () => openPostgres(url))
})
after(() => Promise.all(nodes.map((node) => node.close())))

async function importOne(database: Database, instance: string, index: number): Promise<void> {
  const operationId = randomUUID()
  const request = { kind: 'import' as const, inputs: [] }
  await recordOperation(database, { operationId, instance, request, requestedBy: 'a test', traceId: '0' })
  await database.query(
    "update operations set status = 'Running', attempt = 1, due_at = due_at + 600000 where id = $1",
    [operationId],
  )
  const manifest = simpleManifest({ provider: `P${index % 7}`, name: `N${index % 5}`, version: `1.${index}` })
  const contents = new Map(
    manifest.files.map(({ fileName }) => [
      fileName,
      { contentId: newContentId(), sha256: SHA256, scanResult: 'NotScanned' as const },
    ]),
  )
  const refusal = await publishUpdates(database, {
    attempt: { operationId, attempt: 1 },
    instance,
    updates: [{ id: newUpdateId(), manifest, manifestSha256: SHA256, contents }],
    childIds: new Map(),
  })
  assert.equal(refusal, undefined)
}

const SHA256 = 'ab'.repeat(32)

test('a reader by numbers sees every event of 200 imports at once, each once and in order', {
  skip: noPostgres,
}, async () => {
  const [first] = nodes as [Database]
  await createInstances(first, INSTANCES)
  await recordBlob(first, { sha256: SHA256, name: newBlobName(SHA256), sizeInBytes: 1 })

  let isOver = false
  // Two nodes that both think it is their duty. Where they are in each other's way one fails, and changes nothing.
  let numbered = 0
  const numbering = nodes.slice(0, 2).map(async (node) => {
    for (let last = 1; !isOver || last > 0; ) {
      last = await numberEvents(node, 7).catch(() => 1)
      numbered += last
      await sleep(Math.random() * 3)
    }
  })
  const read = new Map<string, Event[]>(INSTANCES.map((instance) => [instance, []]))
  const reading = INSTANCES.map(async (instance) => {
    const seen = read.get(instance) ?? []
    while (seen.length < (IMPORTS / INSTANCES.length) * 3) {
      seen.push(...(await listEvents(nodes[3] as Database, { instance, after: seen.at(-1)?.number ?? 0, limit: 5 })))
      await sleep(1)
    }
  })
  await Promise.all(
    Array.from({ length: IMPORTS }, (_, index) =>
      importOne(nodes[index % NODES] as Database, INSTANCES[index % INSTANCES.length] as string, index),
    ),
  )
  await Promise.all(reading)
  isOver = true
  await Promise.all(numbering)

  assert.ok(numbered >= IMPORTS * 3)
  const rows = await first.query('select id, instance, number from events order by number')
  assert.equal(rows.length, IMPORTS * 3)
  assert.deepEqual(
    rows.map(({ number }) => number),
    rows.map((_, index) => index + 1),
    'numbers have no gaps',
  )
  for (const [instance, events] of read) {
    assert.deepEqual(
      events.map(({ id }) => id),
      rows.filter((row) => row.instance === instance).map(({ id }) => id),
    )
    const byOperation = Map.groupBy(events, ({ operationId }) => operationId)
    for (const [operationId, told] of byOperation) {
      assert.deepEqual(
        told.map(({ type }) => type),
        ['aduana.operation.accepted', 'aduana.update.imported', 'aduana.operation.succeeded'],
        operationId,
      )
    }
  }
})
