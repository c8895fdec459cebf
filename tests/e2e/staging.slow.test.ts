// Staged uploads that are large, on several nodes, and in an object store.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { describe, test } from 'node:test'
import { startAzurite } from '../support/azurite.ts'
import { eventually, importAndWait } from '../support/operation-end.ts'
import { noPostgres } from '../support/postgres.ts'
import { sha256Of } from '../support/publish-update.ts'
import { seededBytes } from '../support/seeded-bytes.ts'
import {
  askTus,
  contentOf,
  createUpload,
  OCTETS,
  type StagingPlace,
  sendAndStall,
  stage,
  stageUpdate,
} from '../support/stage.ts'
import type { Aduana } from '../support/start-aduana.ts'
import { startAduana } from '../support/start-aduana.ts'
import { openNodes } from '../support/start-nodes.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'

const MiB = 1024 * 1024
const PART_BYTES = 8 * MiB

async function placeAt(aduana: Aduana, token?: string): Promise<StagingPlace> {
  return { httpUrl: aduana.httpUrl, token: token ?? (await aduana.token()) }
}

async function offsetOf(place: StagingPlace, id: string): Promise<number> {
  return Number((await askTus(place, id, { method: 'HEAD' })).headers['upload-offset'])
}

function send(place: StagingPlace, id: string, offset: number, body: Uint8Array) {
  return askTus(place, id, { method: 'PATCH', headers: { ...OCTETS, 'upload-offset': String(offset) }, body })
}

describe('nodes that share a database and a store', { skip: noPostgres }, () => {
  test('take the pieces of one upload by turns, one of two that come at once, and a third imports it', async () => {
    await using nodes = await openNodes()
    const [first, second] = await Promise.all([nodes.start(['--run', 'api']), nodes.start(['--run', 'api'])])
    const worker = await nodes.start(['--run', 'worker'])
    const token = await first.token()
    const places = [await placeAt(first, token), await placeAt(second, token)] as const
    const bytes = seededBytes('by turns', 50 * MiB + 11)
    const id = await createUpload(places[0], bytes.length)

    let offset = 0
    for (let turn = 0; offset < 30 * MiB; turn += 1) {
      const piece = bytes.subarray(offset, offset + 7 * MiB)
      const { status, headers } = await send(places[turn % 2 === 0 ? 0 : 1], id, offset, piece)
      assert.deepEqual([status, headers['upload-offset']], [204, String(offset + piece.length)])
      offset += piece.length
    }
    const piece = bytes.subarray(offset, offset + 9 * MiB)
    const both = await Promise.all(places.map((place) => send(place, id, offset, piece)))
    assert.deepEqual(both.map(({ status }) => status).sort(), [204, 409])

    // One dies in the middle of a piece: the other has what was kept, and takes the rest.
    offset = await offsetOf(places[1], id)
    const sent = { offset, bytes: bytes.subarray(offset, offset + MiB), announcedBytes: bytes.length - offset }
    const { answered } = await sendAndStall(places[0], id, sent)
    await first.stop('SIGKILL')
    assert.equal(await answered, 0)
    const kept = await offsetOf(places[1], id)
    assert.equal(kept, offset, 'a part that was not kept yet is sent again')
    const update = await stageUpdate(places[1], {
      files: [{ name: 'large.bin', bytes }],
      stageOptions: { uploadUrl: `${second.httpUrl}/aduana/v1/default/staging/${id}` },
    })
    const client = await second.client()
    assert.equal((await importAndWait(client, [update.input])).status, 'Succeeded')
    assert.match(worker.log(), /operation started/)
    assert.deepEqual(await contentOf(client, update.updateId), [sha256Of(bytes)])
    assert.deepEqual(await Array.fromAsync(client.listStaged()), [])
  })
})

test('an object store keeps what is staged, and gives it up when it was imported', async () => {
  await using azurite = await startAzurite()
  await using aduana = await startAduana({
    flags: ['--store', `azblob://c${randomBytes(8).toString('hex')}/staged`, '--sweep-after', '1s'],
    env: { AZURE_STORAGE_CONNECTION_STRING: azurite.connectionString },
  })
  const bytes = seededBytes('azurite', 3 * PART_BYTES + 5)
  const update = await stageUpdate(await placeAt(aduana), {
    files: [{ name: 'large.bin', bytes }],
    stageOptions: { chunkSize: 10 * MiB },
  })
  const client = await aduana.client()
  const operation = await importAndWait(client, [update.input])
  assert.equal(operation.status, 'Succeeded', JSON.stringify(operation.error))
  assert.deepEqual(await contentOf(client, update.updateId), [sha256Of(bytes)])
  await eventually('the parts are swept', () => /"blobsDeleted":[1-9]/.test(aduana.log()))
  assert.deepEqual(await contentOf(client, update.updateId), [sha256Of(bytes)])
})

test('a file of 200 MiB arrives to the byte, whose connections break again and again', async () => {
  await using aduana = await startAduana({ flags: [] })
  const place = await placeAt(aduana)
  await using proxy = await startTcpProxy({ targetPort: Number(new URL(place.httpUrl).port) })
  const bytes = seededBytes('200 MiB', 200 * MiB)
  let breaks = 0
  const update = await stageUpdate(
    { ...place, httpUrl: `http://127.0.0.1:${proxy.port}` },
    {
      files: [{ name: 'large.bin', bytes }],
      stageOptions: {
        chunkSize: 64 * MiB,
        onProgress(sent) {
          if (sent < (breaks + 1) * 17 * MiB) return
          breaks += 1
          proxy.reset()
        },
      },
    },
  )
  assert.ok(breaks >= 8, `${breaks}`)
  const client = await aduana.client()
  assert.equal((await importAndWait(client, [update.input])).status, 'Succeeded')
  assert.deepEqual(await contentOf(client, update.updateId), [sha256Of(bytes)])
})

test('many uploads at once take no more memory than a few', { skip: process.platform !== 'linux' }, async () => {
  await using aduana = await startAduana({ flags: [] })
  const place = await placeAt(aduana)
  const peak = async () => {
    const status = await readFile(`/proc/${aduana.process.pid}/status`, 'utf8')
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024
  }
  const bytes = seededBytes('many', 24 * MiB)
  await stage(place, bytes)
  const before = await peak()
  await Promise.all(Array.from({ length: 20 }, () => stage(place, bytes)))
  const grownMiB = (await peak()) - before
  // Six parts of 8 MiB, and what connections and the store have in hand: 20 uploads have 480 MiB.
  assert.ok(grownMiB < 150, `${before} MiB, and then ${grownMiB} more`)
})
