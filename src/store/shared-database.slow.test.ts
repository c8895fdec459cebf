// What the functions of the store promise has to hold although several nodes call them at the same time, which only PostgreSQL lets them.
import assert from 'node:assert/strict'
import { createHash, randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { holdContent } from '../../tests/support/hold-content.ts'
import { newPostgresDatabase, sharedPostgres } from '../../tests/support/open-database.ts'
import { noPostgres } from '../../tests/support/postgres.ts'
import { simpleManifest } from '../../tests/support/seed-catalogue.ts'
import { openPostgres } from '../adapters/postgres/database-postgres.ts'
import { newBlobName } from '../domain/blob.ts'
import { newContentId } from '../domain/distribution.ts'
import type { Attempt } from '../domain/operation.ts'
import type { Verdict } from '../domain/verdict.ts'
import { BatchConflict, type Database } from '../ports/database.ts'
import { findBlob, forgetBlob, holdContents, listIdleBlobs, recordBlob } from './blobs/blobs.ts'
import { recordVerdict } from './blobs/verdicts.ts'
import { createInstances } from './instances.ts'
import { claimOperation, endStatements, guardAttempt } from './operations/attempts.ts'
import { recordOperation } from './operations/record-operation.ts'
import { deleteUpdate } from './updates/delete-update.ts'
import { type NewUpdate, newUpdateId, publishUpdates } from './updates/publish.ts'
import { findUpdate } from './updates/updates.ts'

const options = { skip: noPostgres }
const NODES = 10

let nodes: Database[] = []
before(async () => {
  if (noPostgres !== false) return
  const url = (await sharedPostgres()).url(await newPostgresDatabase())
  nodes = Array.from({ length: NODES }, () => openPostgres(url))
})
after(() => Promise.all(nodes.map((node) => node.close())))

const node = (index: number) => nodes[index % NODES] as Database
const anyNode = () => node(Math.floor(Math.random() * NODES))

/** An instance of its own for each test. */
async function newInstance(): Promise<string> {
  const instance = randomUUID()
  await createInstances(node(0), [instance])
  return instance
}

function record(database: Database, instance: string, operationsMax?: number): Promise<boolean> {
  const operation = { operationId: randomUUID(), instance, requestedBy: 'a test', traceId: '0' }
  return recordOperation(database, { ...operation, request: { kind: 'import', inputs: [] } }, { operationsMax })
}

/** Records an operation and hands it out, without looking at what else waits. */
async function begin(database: Database, instance: string): Promise<Attempt> {
  const operationId = randomUUID()
  await recordOperation(database, {
    operationId,
    instance,
    requestedBy: 'a test',
    traceId: '0',
    request: { kind: 'import', inputs: [] },
  })
  await database.query(
    "update operations set status = 'Running', attempt = 1, due_at = due_at + 600000 where id = $1",
    [operationId],
  )
  return { operationId, attempt: 1 }
}

const FAILED = {
  status: 'Failed',
  error: { code: 'InternalError', message: 'A test.', occurredDateTime: '2026-01-01T00:00:00Z' },
} as const

const digestOf = (text: string) => createHash('sha256').update(text).digest('hex')

async function makeBlob(database: Database, sha256: string): Promise<void> {
  await recordBlob(database, { sha256, name: newBlobName(sha256), sizeInBytes: 7 })
}

/** An update with these contents, whose manifest is the first of them. */
function newUpdate(name: string, contents: readonly string[]): NewUpdate {
  const [first = ''] = contents
  const simple = simpleManifest({ name })
  const files = contents.map((_, index) => ({ ...simple.files[0]!, fileName: `${index}.bin` }))
  return {
    id: newUpdateId(),
    manifest: { ...simple, files },
    manifestSha256: first,
    contents: new Map(
      contents.map((sha256, index) => [
        `${index}.bin`,
        { contentId: newContentId(), sha256, scanResult: 'Success', scanDetails: '' },
      ]),
    ),
  }
}

test('a thousand operations are claimed by ten nodes, each once', options, async () => {
  const instance = await newInstance()
  await Promise.all(
    nodes.map(async (database) => {
      for (let count = 0; count < 100; count += 1) await record(database, instance)
    }),
  )
  const claimed: string[] = []
  await Promise.all(
    nodes.map(async (database) => {
      while (claimed.length < 1000) {
        const operation = await claimOperation(database, 600_000)
        if (operation !== undefined) claimed.push(operation.operationId)
      }
    }),
  )
  assert.equal(claimed.length, 1000)
  assert.equal(new Set(claimed).size, 1000)
  const rows = await node(0).query('select distinct attempt, status from operations where instance = $1', [instance])
  assert.deepEqual(
    rows.map((row) => ({ ...row })),
    [{ attempt: 1, status: 'Running' }],
  )
})

test(
  'the limit of operations in progress is exact, however many ask at once, and while others end',
  options,
  async () => {
    const instance = await newInstance()
    const accepted = async () => {
      const asked = await Promise.all(Array.from({ length: 50 }, (_, index) => record(node(index % 5), instance, 20)))
      return asked.filter(Boolean).length
    }
    const inProgress = async () => {
      const sql = 'select count(*) as count from operations where instance = $1 and due_at is not null'
      return (await node(0).query(sql, [instance]))[0]?.count
    }
    assert.equal(await accepted(), 20)
    assert.equal(await inProgress(), 20)

    const attempts = await node(0).query('select id from operations where instance = $1 limit 8', [instance])
    const end = async ({ id }: { id?: unknown }, index: number) => {
      const attempt = { operationId: String(id), attempt: 0 }
      await node(index).query("update operations set status = 'Running' where id = $1", [attempt.operationId])
      await node(index).batch(endStatements(attempt, FAILED))
    }
    const [more] = await Promise.all([accepted(), Promise.all(attempts.map(end))])
    const there = Number(await inProgress())
    assert.ok(more <= 8 && there === 12 + more, `${more} more, ${there} there`)
    assert.equal(await accepted(), 20 - there)
    assert.equal(await inProgress(), 20)
  },
)

test('an operation that two nodes end at once ends once', options, async () => {
  const instance = await newInstance()
  for (let round = 0; round < 20; round += 1) {
    const attempt = await begin(node(0), instance)
    const ends = await Promise.allSettled(
      [0, 1, 2].map((index) => node(index).batch(endStatements(attempt, { status: 'Succeeded' }))),
    )
    assert.equal(ends.filter(({ status }) => status === 'fulfilled').length, 1)
    for (const end of ends) {
      assert.ok(end.status === 'fulfilled' || (end.reason instanceof BatchConflict && end.reason.reason === 'guard'))
    }
  }
})

test('of imports of the same identity at once, one is published and the others are told', options, async () => {
  const instance = await newInstance()
  const sha256 = digestOf('identity')
  await makeBlob(node(0), sha256)
  for (let round = 0; round < 10; round += 1) {
    const refusals = await Promise.all(
      Array.from({ length: 6 }, async (_, index) => {
        const attempt = await begin(node(index), instance)
        const updates = [newUpdate(`same ${round}`, [sha256])]
        return publishUpdates(node(index), { attempt, instance, updates, childIds: new Map() })
      }),
    )
    assert.deepEqual(refusals.sort(), ['changed', 'changed', 'changed', 'changed', 'changed', undefined])
  }
})

test('of two parents deleted at once, the last one takes their child along', options, async () => {
  const instance = await newInstance()
  // Of a content of its own each, since a common one would keep them in a row.
  const contents = ['child', 'one', 'other'].map((name) => digestOf(`family ${name}`))
  for (const sha256 of contents) await makeBlob(node(0), sha256)
  for (let round = 0; round < 20; round += 1) {
    const [child, one, other] = contents.map((sha256, index) => newUpdate(`${index} of ${round}`, [sha256]))
    assert.ok(child && one && other)
    const childIds = [child.id]
    const published = await publishUpdates(node(0), {
      attempt: await begin(node(0), instance),
      instance,
      updates: [child, one, other],
      childIds: new Map([one, other].map(({ id }) => [id, childIds])),
    })
    assert.equal(published, undefined)
    const attempts = [await begin(node(0), instance), await begin(node(1), instance)]
    const refusals = await Promise.all(
      attempts.map((attempt, index) => {
        const id = [one, other][index]?.id ?? ''
        return deleteUpdate(node(index), { attempt, id, childIds })
      }),
    )
    assert.deepEqual(refusals, [undefined, undefined])
    assert.deepEqual(await node(0).query('select id from updates where instance = $1', [instance]), [])
  }
})

test('a child that gets a parent while it is deleted stays, or the parent is refused', options, async () => {
  const instance = await newInstance()
  const sha256 = digestOf('late parent')
  await makeBlob(node(0), sha256)
  for (let round = 0; round < 20; round += 1) {
    const [child, parent] = ['child', 'parent'].map((name) => newUpdate(`${name} ${round}`, [sha256]))
    assert.ok(child && parent)
    const publish = async (update: NewUpdate, childIds: string[]) =>
      publishUpdates(node(round), {
        attempt: await begin(node(round), instance),
        instance,
        updates: [update],
        childIds: new Map([[update.id, childIds]]),
      })
    await publish(child, [])
    const [refusal, deletion] = await Promise.all([
      publish(parent, [child.id]),
      begin(node(round + 1), instance).then((attempt) =>
        deleteUpdate(node(round + 1), { attempt, id: child.id, childIds: [] }),
      ),
    ])
    assert.deepEqual([refusal, deletion].sort(), ['changed', undefined])
  }
})

test('imports of hundreds of the same contents on several nodes all get through', options, async () => {
  const instance = await newInstance()
  const contents = Array.from({ length: 300 }, (_, index) => digestOf(`shared ${index}`))
  async function importAll(index: number): Promise<void> {
    const database = node(index)
    const attempt = await begin(database, instance)
    for (let at = 0; at < contents.length; at += 50) {
      await database.batch([guardAttempt(attempt), ...holdContents(attempt, contents.slice(at, at + 50))])
    }
    for (const sha256 of contents)
      if ((await findBlob(database, sha256)) === undefined) await makeBlob(database, sha256)
    await database.batch(endStatements(attempt, FAILED))
  }
  await Promise.all(Array.from({ length: 6 }, (_, index) => importAll(index)))
  const wanted = await node(0).query('select * from blobs where idle_since is null')
  assert.deepEqual(
    wanted.filter(({ sha256 }) => contents.includes(String(sha256))),
    [],
    'nobody holds them any more',
  )
})

test('what is found in the files of an update at the same moment comes to the worst of it', options, async () => {
  const instance = await newInstance()
  const infected: Verdict = { kind: 'Infected', name: 'EICAR', signatures: 'ClamAV 1' }
  const clean: Verdict = { kind: 'Clean', signatures: 'ClamAV 2', caveats: [] }
  for (let round = 0; round < 20; round += 1) {
    const [good, bad] = [digestOf(`good ${round}`), digestOf(`bad ${round}`)]
    const update = newUpdate(`scanned ${round}`, [good, bad])
    for (const sha256 of [good, bad]) await makeBlob(node(0), sha256)
    await recordVerdict(node(0), good, infected)
    const scannedBefore = (await findBlob(node(0), good))?.scannedAt
    // Of this the import does not know, so it is refused; once it is clean it is not, whatever comes of the other file.
    const attempt = await begin(node(0), instance)
    const publishing = { attempt, instance, updates: [update], childIds: new Map() }
    assert.equal(await publishUpdates(node(0), publishing), 'infected')
    await recordVerdict(node(0), good, clean, { scannedBefore })
    const [refusal]: unknown[] = await Promise.all([
      publishUpdates(node(1), publishing),
      recordVerdict(node(2), bad, infected),
    ])
    if (refusal === 'infected') continue
    assert.equal(refusal, undefined)
    const found = await findUpdate(node(0), instance, update.manifest.updateId)
    assert.equal(found?.scanResult, 'Infected')

    // Now one gets better while the other gets worse.
    const before = (await findBlob(node(0), bad))?.scannedAt
    await Promise.all([
      recordVerdict(node(1), bad, clean, { scannedBefore: before }),
      recordVerdict(node(2), good, infected),
    ])
    assert.equal((await findUpdate(node(0), instance, update.manifest.updateId))?.scanResult, 'Infected')
  }
})

test(
  'imports, deletions and sweeps of the same few contents lose none that is named, and leave none behind',
  options,
  async () => {
    const instance = await newInstance()
    const contents = Array.from({ length: 4 }, (_, index) => digestOf(`contested ${index}`))
    const published: string[] = []
    let number = 0
    let isOver = false

    async function importOne(): Promise<void> {
      const database = anyNode()
      const attempt = await begin(database, instance)
      const wanted = contents.filter(() => Math.random() < 0.5)
      const missing: string[] = []
      for (const sha256 of wanted) {
        if ((await holdContent(database, { attempt, sha256 })) === undefined) missing.push(sha256)
      }
      const storing = missing.map((sha256) => makeBlob(anyNode(), sha256))
      const isGood = wanted.length > 0 && Math.random() < 0.6
      if (!isGood) {
        // While somebody who has lost the operation goes on storing.
        await Promise.all([anyNode().batch(endStatements(attempt, FAILED)), ...storing])
        return
      }
      await Promise.all(storing)
      const update = newUpdate(`contested ${number++}`, wanted)
      // A held content is never missing, or the database would refuse the reference as a change.
      const refusal = await publishUpdates(anyNode(), { attempt, instance, updates: [update], childIds: new Map() })
      assert.equal(refusal, undefined)
      published.push(update.id)
    }
    async function deleteOne(): Promise<void> {
      const id = published.shift()
      if (id === undefined) return
      const database = anyNode()
      assert.equal(
        await deleteUpdate(database, { attempt: await begin(database, instance), id, childIds: [] }),
        undefined,
      )
    }
    async function sweepOnce(): Promise<void> {
      const database = anyNode()
      for (const idle of await listIdleBlobs(database, { graceMs: 0, limit: 10 })) await forgetBlob(database, idle, 0)
    }
    async function again(what: () => Promise<void>): Promise<void> {
      for (; !isOver; await sleep(Math.random() * 5)) await what()
    }

    const work = Promise.all([
      ...Array.from({ length: 6 }, () => again(importOne)),
      again(deleteOne),
      again(deleteOne),
      again(sweepOnce),
      again(sweepOnce),
      again(sweepOnce),
    ])
    await Promise.race([work, sleep(8000)])
    isOver = true
    await work
    assert.ok(number > 50, `${number} updates were published`)

    while (published.length > 0) await deleteOne()
    await sweepOnce()
    const left = await node(0).query(
      `select sha256 from blobs where sha256 in (${contents.map((_, i) => `$${i + 1}`)})`,
      contents,
    )
    assert.deepEqual(left, [], 'whatever nobody needs has been marked as idle')
  },
)
