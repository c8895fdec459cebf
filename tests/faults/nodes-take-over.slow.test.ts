// What becomes of an operation whose node dies, or stands still in the middle and comes back: real processes over a real PostgreSQL.
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ApiClient } from '../../src/client/api-client.ts'
import { type Behaviour, type MisbehavingSource, serveBytes, startSource } from '../support/misbehaving-source.ts'
import { eventually, operationEnd } from '../support/operation-end.ts'
import { noPostgres } from '../support/postgres.ts'
import { type PublishedUpdate, publishUpdate, requestsFor } from '../support/publish-update.ts'
import { seededBytes } from '../support/seeded-bytes.ts'
import { type Nodes, openNodes } from '../support/start-nodes.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'

const TAKEN_OVER_MS = 30_000
const PAUSE_MS = 20_000

let source: MisbehavingSource
before(async () => {
  source = await startSource()
})
after(() => source?.[Symbol.asyncDispose]())

let number = 0

/** An update with three files, the last of which does not come before `goOn`, for whoever asks first. */
function publishHeld(): { update: PublishedUpdate; files: Map<string, string>; goOn(): void } {
  number += 1
  const held: (() => void)[] = []
  const behaviour: (bytes: Uint8Array) => Behaviour = (bytes) => (request, response: ServerResponse) => {
    const serve = () => serveBytes(bytes)(request, response)
    if (held.push(serve) > 1) serve()
  }
  const files = ['first', 'second', 'held'].map((name, index) => {
    const bytes = seededBytes(`${name} ${number}`, (index + 1) * 300_000)
    return { name, bytes, ...(name === 'held' && { behaviour: behaviour(bytes) }) }
  })
  const update = publishUpdate(source, { files })
  return { update, files: update.paths, goOn: () => held[0]?.() }
}

/** Resolves when all files but the held one are done, and that one is asked for. */
async function untilHeld(nodes: Nodes, imports: { operationId: string; files: Map<string, string> }[]): Promise<void> {
  for (const { operationId, files } of imports) {
    await eventually('only the held file is left', async () => {
      const rows = await nodes.database.query(
        "select file_name from operation_files where operation_id = $1 and phase = 'Done'",
        [operationId],
      )
      return rows.length === 2 && requestsFor(source, files.get('held')) === 1
    })
  }
}

async function assertRight(nodes: Nodes, clients: readonly ApiClient[], updates: readonly PublishedUpdate[]) {
  for (const client of clients) {
    for (const { updateId, payloads } of updates) {
      const { files } = await client.getUpdateWithContent(updateId)
      assert.equal(files.length, payloads.size)
      for (const { fileName, contentUrl } of files) {
        const bytes = Buffer.from(await (await fetch(contentUrl)).arrayBuffer())
        assert.ok(bytes.equals(payloads.get(fileName) ?? Buffer.of()), fileName)
      }
    }
  }
  const [count] = await nodes.database.query('select count(*) as count from updates')
  assert.equal(count?.count, updates.length, 'each is published once')
  assert.deepEqual(await nodes.database.query('select * from blob_holds'), [])
}

const count = (log: string, message: string) => log.split(message).length - 1

describe('of nodes that share a database and a store', { concurrency: true, skip: noPostgres }, () => {
  test('one is killed: what it had in hand ends elsewhere within 30 seconds, from the files that it was at', async () => {
    await using nodes = await openNodes()
    const first = await nodes.start()
    const client = await first.client()
    const imports = await Promise.all(
      Array.from({ length: 5 }, async () => {
        const held = publishHeld()
        return { ...held, ...(await client.importUpdate([held.update.input])) }
      }),
    )
    await untilHeld(nodes, imports)
    const second = await nodes.start()
    await first.stop('SIGKILL')
    const begin = performance.now()
    const other = await second.client()
    for (const { operationId } of imports) {
      assert.equal((await operationEnd(other, operationId, TAKEN_OVER_MS)).status, 'Succeeded')
    }
    const ms = performance.now() - begin
    assert.ok(ms < TAKEN_OVER_MS, `${ms} ms`)
    for (const { files } of imports) {
      const asked = ['first', 'second', 'held'].map((name) => requestsFor(source, files.get(name)))
      assert.deepEqual(asked, [1, 1, 2])
    }
    await assertRight(
      nodes,
      [other],
      imports.map(({ update }) => update),
    )
  })

  test('one is paused inside an import and wakes after its lease: it publishes nothing, and another one has done it once', async () => {
    await using nodes = await openNodes()
    const first = await nodes.start()
    const { update, files, goOn } = publishHeld()
    const client = await first.client()
    const { operationId } = await client.importUpdate([update.input])
    await untilHeld(nodes, [{ operationId, files }])
    const second = await nodes.start()
    const other = await second.client()
    first.process.kill('SIGSTOP')
    const woken = sleep(PAUSE_MS).then(() => first.process.kill('SIGCONT'))
    assert.equal((await operationEnd(other, operationId, TAKEN_OVER_MS)).status, 'Succeeded')
    const ended = await other.getOperation(operationId)
    // The bytes that the first one waits for come as well: in the moment in which it wakes.
    goOn()
    await woken
    await eventually('it notices', () => first.log().includes('operation lost to another attempt'))
    assert.equal(count(first.log(), 'operation succeeded'), 0)
    assert.equal(count(second.log(), 'operation succeeded'), 1)
    assert.deepEqual(await other.getOperation(operationId), ended)
    assert.equal(requestsFor(source, files.get('first')), 1)
    await assertRight(nodes, [client, other], [update])
    const progress = await nodes.database.query('select phase, bytes_done - size_in_bytes as left from operation_files')
    assert.deepEqual(
      progress.map(({ phase, left }) => [phase, left]),
      Array.from({ length: 3 }, () => ['Done', 0]),
    )
  })

  const MOMENTS = [
    { moment: 'before it publishes', sent: ['insert into updates'] },
    { moment: 'when all is published but the commit', sent: ['insert into updates', 'commit'] },
  ]
  for (const { moment, sent } of MOMENTS) {
    test(`one is paused ${moment}: when it wakes, what it had begun has no effect`, async () => {
      await using nodes = await openNodes()
      const port = Number(new URL(nodes.databaseUrl).port)
      await using proxy = await startTcpProxy({ targetPort: port })
      const first = await nodes.start(['--database', nodes.databaseUrl.replace(`:${port}/`, `:${proxy.port}/`)])
      const client = await first.client()
      const { update, goOn } = publishHeld()
      const awaited = [...sent]
      proxy.holdsBack = (bytes) => {
        if (bytes.includes(awaited[0] ?? '')) awaited.shift()
        return awaited.length === 0
      }
      const { operationId } = await client.importUpdate([update.input])
      await eventually('it is asked for', () => requestsFor(source, update.paths.get('held')) === 1)
      goOn()
      await proxy.held()
      first.process.kill('SIGSTOP')
      const [row] = await nodes.database.query('select status from operations where id = $1', [operationId])
      assert.equal(row?.status, 'Running', 'it was not published before')
      const second = await nodes.start()
      const other = await second.client()
      assert.equal((await operationEnd(other, operationId, TAKEN_OVER_MS)).status, 'Succeeded')
      await assertRight(nodes, [other], [update])
      // With the update gone, nothing but the lost attempt itself keeps it from coming again.
      const deletion = await other.deleteUpdate(update.updateId)
      assert.equal((await operationEnd(other, deletion.operationId)).status, 'Succeeded')
      const ended = await other.getOperation(operationId)

      proxy.letGo()
      await sleep(500)
      first.process.kill('SIGCONT')
      await eventually('it notices', () => first.log().includes('operation lost to another attempt'), 30_000)
      assert.equal(count(first.log(), 'operation succeeded'), 0)
      assert.deepEqual(await other.getOperation(operationId), ended)
      await assertRight(nodes, [client, other], [])
    })
  }
})
