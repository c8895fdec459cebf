// Staged uploads from end to end: the real program, the official client for tus, and imports that name what was staged.
import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { DetailedError } from 'tus-js-client'
import { openLocalIssuer } from '../../src/adapters/tokens/local-issuer.ts'
import type { ApiClient } from '../../src/client/api-client.ts'
import type { Operation } from '../../src/client/api-types.ts'
import { roleNamed } from '../../src/domain/permissions.ts'
import { innermostOf } from '../faults/innermost-of.ts'
import { ask, type Question } from '../support/ask.ts'
import { checkAndWait, eventually, importAndWait } from '../support/operation-end.ts'
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
  stagingPath,
  TUS,
} from '../support/stage.ts'
import { type Aduana, startAduana } from '../support/start-aduana.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'

const MiB = 1024 * 1024
const PART_BYTES = 8 * MiB
const idOf = (stagingUrl: string) => stagingUrl.replace('staging:', '')

describe('a server with staged uploads', () => {
  let aduana: Aduana
  let place: StagingPlace
  let client: ApiClient

  before(async () => {
    aduana = await startAduana({ flags: ['--instance', 'default', '--instance', 'other'] })
    place = { httpUrl: aduana.httpUrl, token: await aduana.token('--instance', 'default', '--instance', 'other') }
    client = await aduana.client()
  })
  after(() => aduana?.[Symbol.asyncDispose]())

  test('imports a manifest and files that were staged, byte for byte, and then they are gone', async () => {
    const files = [
      { name: 'small.bin', bytes: Buffer.from('small') },
      { name: 'large.bin', bytes: seededBytes('large', 2 * PART_BYTES + 17) },
    ]
    const { input, updateId } = await stageUpdate(place, { files })
    const staged = await Array.fromAsync(client.listStaged())
    assert.deepEqual(
      staged.map(({ fileName, sizeInBytes, bytesReceived }) => [fileName, sizeInBytes === bytesReceived]),
      [
        ['large.bin', true],
        ['small.bin', true],
        ['importmanifest.json', true],
      ],
    )
    const operation = await importAndWait(client, [input])
    assert.equal(operation.status, 'Succeeded', JSON.stringify(operation.error))
    assert.deepEqual(
      await contentOf(client, updateId),
      files.map(({ bytes }) => sha256Of(bytes)),
    )
    assert.deepEqual(await Array.fromAsync(client.listStaged()), [])
    const again = await importAndWait(client, [input])
    assert.equal(innermostOf(again).code, 'StagedUploadMissing')
  })

  for (const dialect of ['v2', '2021', '2022'] as const) {
    test(`takes them in the dialect ${dialect}`, async () => {
      const { input } = await stageUpdate(place)
      assert.equal((await importAndWait(await aduana.client(dialect), [input])).status, 'Succeeded')
    })
  }

  test('checks what is staged, and keeps it for the import', async () => {
    const { input } = await stageUpdate(place)
    const { operationId } = await client.checkUpdate([input], { deep: true })
    await eventually('the check ends', async () => {
      const { status } = await client.getProgress(operationId)
      assert.notEqual(status, 'Failed')
      return status === 'Succeeded'
    })
    assert.equal((await importAndWait(client, [input])).status, 'Succeeded')
  })

  test('keeps what an import that failed names, to be imported again', async () => {
    const { input } = await stageUpdate(place, {
      files: [{ name: 'a.bin', bytes: Buffer.from('as the manifest says') }],
    })
    const file = input.files?.[0]
    assert.ok(file)
    const right = file.url
    file.url = await stage(place, Buffer.from('as it does not say..'))
    assert.equal(innermostOf(await importAndWait(client, [input])).code, 'HashMismatch')
    const wrong = file.url
    file.url = right
    assert.equal((await importAndWait(client, [input])).status, 'Succeeded')
    await client.deleteStaged(idOf(wrong))
  })

  test('speaks tus 1.0.0', async () => {
    const options = await askTus(place, '', { method: 'OPTIONS' })
    assert.equal(options.status, 204)
    assert.equal(options.headers['tus-version'], '1.0.0')
    assert.equal(options.headers['tus-extension'], 'creation,creation-with-upload,expiration,termination')
    assert.equal(options.headers['tus-max-size'], String(2 ** 31))

    const metadata = `filename ${Buffer.from('a b.bin').toString('base64')},other`
    const created = await askTus(place, '', {
      method: 'POST',
      headers: { 'upload-length': '10', 'upload-metadata': metadata },
    })
    assert.equal(created.status, 201)
    assert.match(created.headers.location ?? '', /^\/aduana\/v1\/default\/staging\/[0-9a-f]{32}$/)
    assert.ok(Date.parse(String(created.headers['upload-expires'])) > Date.now() + 23 * 3600 * 1000)
    const id = created.headers.location?.split('/').at(-1) ?? ''
    const patched = await askTus(place, id, {
      method: 'PATCH',
      headers: { ...OCTETS, 'upload-offset': '0' },
      body: 'first',
    })
    assert.deepEqual([patched.status, patched.headers['upload-offset']], [204, '5'])
    const nothing = await askTus(place, id, { method: 'PATCH', headers: { ...OCTETS, 'upload-offset': '5' } })
    assert.deepEqual([nothing.status, nothing.headers['upload-offset']], [204, '5'])
    const head = await askTus(place, id, { method: 'HEAD' })
    const { 'upload-offset': offset, 'upload-length': length, 'upload-metadata': said } = head.headers
    assert.deepEqual([head.status, offset, length, said], [200, '5', '10', metadata])
    assert.equal(head.headers['cache-control'], 'no-store')
    assert.equal(head.headers['tus-resumable'], '1.0.0')
    assert.equal((await askTus(place, id, { method: 'DELETE' })).status, 204)
    assert.equal((await askTus(place, id, { method: 'HEAD' })).status, 404)
  })

  test('takes the first bytes together with the creation', async () => {
    const created = await askTus(place, '', {
      method: 'POST',
      headers: { ...OCTETS, 'upload-length': '5' },
      body: 'whole',
    })
    assert.deepEqual([created.status, created.headers['upload-offset']], [201, '5'])
    await client.deleteStaged(created.headers.location?.split('/').at(-1) ?? '')
    const byClient = await stage(place, seededBytes('with creation', 100_000), { uploadDataDuringCreation: true })
    await client.deleteStaged(idOf(byClient))
    await client.deleteStaged(idOf(await stage(place, Buffer.of())))
  })

  test('refuses with a sentence what it cannot take', async () => {
    const id = await createUpload(place, 10)
    const patch = { method: 'PATCH', headers: { ...OCTETS, 'upload-offset': '0' }, body: 'x' }
    const cases: [what: string, question: Question & { id?: string }, status: number, code: string][] = [
      [
        'another version',
        { ...patch, headers: { ...patch.headers, 'tus-resumable': '0.2.2' } },
        412,
        'TusVersionUnsupported',
      ],
      ['another place', { ...patch, headers: { ...OCTETS, 'upload-offset': '3' } }, 409, 'UploadOffsetWrong'],
      ['no place', { ...patch, headers: OCTETS }, 400, 'InvalidRequest'],
      ['another type', { ...patch, headers: { 'upload-offset': '0' } }, 415, 'UnsupportedMediaType'],
      [
        'JSON',
        { ...patch, headers: { 'upload-offset': '0', 'content-type': 'application/json' }, body: '{}' },
        415,
        'UnsupportedMediaType',
      ],
      ['too many bytes', { ...patch, body: '12345678901' }, 413, 'UploadTooLarge'],
      ['another upload', { ...patch, id: 'nonsense' }, 404, 'NotFound'],
      ['no length', { method: 'POST', id: '' }, 400, 'InvalidRequest'],
      ['a length that is none', { method: 'POST', id: '', headers: { 'upload-length': '-1' } }, 400, 'InvalidRequest'],
      [
        'a length for later',
        { method: 'POST', id: '', headers: { 'upload-defer-length': '1' } },
        400,
        'InvalidRequest',
      ],
      [
        'too long a file',
        { method: 'POST', id: '', headers: { 'upload-length': String(2 ** 31 + 1) } },
        413,
        'UploadTooLarge',
      ],
    ]
    for (const [what, { id: other = id, ...question }, status, code] of cases) {
      const answer = await askTus(place, other, question)
      assert.deepEqual([answer.status, answer.json<{ error: { code: string } }>().error.code], [status, code], what)
      assert.equal(answer.headers['tus-resumable'], '1.0.0', what)
      if (status === 412) assert.equal(answer.headers['tus-version'], '1.0.0')
    }
    const left = await askTus(place, id, { method: 'HEAD' })
    assert.equal(left.headers['upload-offset'], '0')
    await client.deleteStaged(id)
  })

  test('has them for their owner only, also from an import', async () => {
    const { input } = await stageUpdate(place)
    const id = idOf(input.importManifest.url)
    const issuer = await openLocalIssuer({ folder: aduana.folder })
    const role = roleNamed('DeviceUpdateAdministrator')
    assert.ok(role)
    const bea = await issuer.issue({ subject: 'bea', role, instances: ['default', 'other'], minutes: 10 })
    for (const stranger of [
      { ...place, token: bea },
      { ...place, instance: 'other' },
    ]) {
      for (const method of ['HEAD', 'DELETE']) {
        assert.equal((await askTus(stranger, id, { method })).status, 404)
      }
      const patched = await askTus(stranger, id, { method: 'PATCH', headers: { ...OCTETS, 'upload-offset': '0' } })
      assert.equal(patched.status, 404)
      const { instance = 'default', token } = stranger
      const answer = await ask(place.httpUrl, `/deviceUpdate/${instance}/updates:import?api-version=2022-10-01`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify([input]),
      })
      assert.equal(answer.status, 202)
      let operation: Operation | undefined
      await eventually('the import of a stranger ends', async () => {
        const path = String(answer.headers['operation-location'])
        operation = (
          await ask(place.httpUrl, path, { headers: { authorization: `Bearer ${token}` } })
        ).json<Operation>()
        return operation.status === 'Failed'
      })
      assert.ok(operation)
      assert.equal(innermostOf(operation).code, 'StagedUploadMissing')
    }
    assert.equal((await importAndWait(client, [input])).status, 'Succeeded')
  })

  test('goes on where an upload was when its connections break', async () => {
    await using proxy = await startTcpProxy({ targetPort: Number(new URL(place.httpUrl).port) })
    const bytes = seededBytes('broken', 3 * PART_BYTES)
    let breaks = 0
    const update = await stageUpdate(
      { ...place, httpUrl: `http://127.0.0.1:${proxy.port}` },
      {
        files: [{ name: 'large.bin', bytes }],
        stageOptions: {
          onProgress(sent) {
            if (sent > (breaks + 0.5) * PART_BYTES && breaks < 3) {
              breaks += 1
              proxy.reset()
            }
          },
        },
      },
    )
    // News of the last bytes may come when they are there.
    assert.ok(breaks >= 2, `${breaks} breaks`)
    assert.equal((await importAndWait(client, [update.input])).status, 'Succeeded')
    assert.deepEqual(await contentOf(client, update.updateId), [sha256Of(bytes)])
  })

  test('takes an upload in pieces, and of two pieces for one place one', async () => {
    const bytes = seededBytes('pieces', 3 * MiB)
    await client.deleteStaged(idOf(await stage(place, bytes, { chunkSize: MiB })))

    const id = await createUpload(place, bytes.length)
    const pieces = await Promise.all(
      [1, 2].map(() =>
        askTus(place, id, { method: 'PATCH', headers: { ...OCTETS, 'upload-offset': '0' }, body: bytes }),
      ),
    )
    assert.deepEqual(pieces.map(({ status }) => status).sort(), [204, 409])
    await client.deleteStaged(id)
  })

  test('checks what was staged and leaves it there, for the import that follows', async () => {
    const { input, updateId } = await stageUpdate(place)
    for (const deep of [false, true]) {
      const operation = await checkAndWait(client, [input], { deep })
      assert.equal(operation.status, 'Succeeded', JSON.stringify(operation.error))
      assert.ok(!operation.warnings?.some(({ code }) => code === 'SizeNotStated'))
    }
    const unstaged = structuredClone(input)
    Object.assign(unstaged.files?.[0] ?? {}, { url: `staging:${'0'.repeat(32)}` })
    const { error } = await checkAndWait(client, [unstaged])
    assert.deepEqual(
      error?.details?.map(({ code }) => code),
      ['StagedUploadMissing'],
    )
    assert.equal((await importAndWait(client, [input])).status, 'Succeeded')
    assert.equal((await contentOf(client, updateId)).length, 1)
  })
})

describe('a server that keeps uploads for a short time, and few of them', () => {
  const FLAGS = ['--staging-expiry', '1500ms', '--staging-max', '1MiB', '--sweep-after', '1s']
  let aduana: Aduana
  let place: StagingPlace

  before(async () => {
    aduana = await startAduana({
      flags: [...FLAGS, '--client-limit', 'request=500ms', '--client-limit', 'headers=500ms'],
      inFolder: true,
    })
    place = { httpUrl: aduana.httpUrl, token: await aduana.token() }
  })
  after(() => aduana?.[Symbol.asyncDispose]())

  test('says how much is staged, and how much may be', async () => {
    const id = await createUpload(place, MiB - 1)
    const refused = await stage(place, Buffer.of(1, 2), { retryDelays: null }).then(
      () => assert.fail('staged'),
      (error: unknown) => error,
    )
    assert.ok(refused instanceof DetailedError)
    assert.equal(refused.originalResponse?.getStatus(), 413)
    const { error } = JSON.parse(refused.originalResponse?.getBody() ?? '')
    assert.equal(error.code, 'StagingFull')
    assert.match(error.message, /^The upload has 2 bytes; in this instance 1048575 are staged, and 1048576 may be\./)
    assert.equal((await askTus(place, id, { method: 'DELETE' })).status, 204)
    await (await aduana.client()).deleteStaged(await createUpload(place, MiB))
  })

  test('ends an upload when its time is over, and tells an import that comes later', async () => {
    const { input } = await stageUpdate(place)
    const id = idOf(input.importManifest.url)
    await eventually('it expires', async () => (await askTus(place, id, { method: 'HEAD' })).status === 410)
    const operation = await importAndWait(await aduana.client(), [input])
    assert.equal(operation.error?.code, 'CannotProcessImportManifest')
    assert.deepEqual(innermostOf(operation), {
      code: 'StagedUploadExpired',
      message: `The staged upload ${id} has expired. Upload it again.`,
    })
    await eventually('the bytes are gone', async () => {
      const shelves = join(aduana.folder, 'blobs', 'v1')
      const kept = await readdir(shelves, { recursive: true, withFileTypes: true })
      return kept.every((entry) => entry.isDirectory())
    })
  })

  test('lets an upload take longer than other requests, as long as bytes come', async () => {
    const id = await createUpload(place, 20)
    const { hostname, port } = new URL(place.httpUrl)
    const answered = Promise.withResolvers<number>()
    const patch = request({
      ...{ hostname, port, path: `${stagingPath()}/${id}`, method: 'PATCH' },
      headers: {
        authorization: `Bearer ${place.token}`,
        ...TUS,
        ...OCTETS,
        'upload-offset': '0',
        'content-length': 20,
      },
    })
    patch.on('response', (response) => answered.resolve(response.statusCode ?? 0)).on('error', answered.reject)
    for (let sent = 0; sent < 20; sent += 1) {
      patch.write('x')
      await delay(100)
    }
    patch.end()
    assert.equal(await answered.promise, 204)
  })

  test('lets nobody else take longer, whatever the path', async () => {
    for (const [path, token] of [
      [`${stagingPath()}/${'0'.repeat(32)}`, 'nonsense'],
      ['/deviceUpdate/default/updates:import', place.token],
    ] as const) {
      const { hostname, port } = new URL(place.httpUrl)
      const began = performance.now()
      const asking = request({
        ...{ hostname, port, path, method: path.includes('import') ? 'POST' : 'PATCH' },
        headers: { authorization: `Bearer ${token}`, ...TUS, ...OCTETS, 'content-length': 1000 },
      })
      const closed = new Promise<void>((resolve) => asking.on('close', resolve).on('error', () => resolve()))
      asking.on('response', (response) => response.resume())
      const timer = setInterval(() => asking.write('x'), 50)
      await closed
      clearInterval(timer)
      assert.ok(performance.now() - began < 5000)
    }
  })
})

for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
  test(`an upload goes on after ${signal} from what was kept`, async () => {
    await using aduana = await startAduana({ flags: [] })
    const place = { httpUrl: aduana.httpUrl, token: await aduana.token() }
    const bytes = seededBytes(signal, 4 * PART_BYTES)
    const id = await createUpload(place, bytes.length)
    const kept = async (from: StagingPlace) =>
      Number((await askTus(from, id, { method: 'HEAD' })).headers['upload-offset'])

    // Some parts, the beginning of another, and then nothing.
    const sentBytes = 2 * PART_BYTES + 3 * MiB
    const sent = { offset: 0, bytes: bytes.subarray(0, sentBytes), announcedBytes: bytes.length }
    const { answered } = await sendAndStall(place, id, sent)
    await eventually('two parts are kept', async () => (await kept(place)) === 2 * PART_BYTES)
    await delay(100)
    await aduana.stop(signal)
    assert.equal(await answered, signal === 'SIGTERM' ? 503 : 0)

    await using restarted = await aduana.restart()
    const again = { httpUrl: restarted.httpUrl, token: place.token }
    const offset = await kept(again)
    assert.equal(offset, signal === 'SIGTERM' ? sentBytes : 2 * PART_BYTES)
    const update = await stageUpdate(again, {
      files: [{ name: 'large.bin', bytes }],
      stageOptions: { uploadUrl: `${again.httpUrl}${stagingPath()}/${id}` },
    })
    assert.equal(update.input.files?.[0]?.url, `staging:${id}`)
    const client = await restarted.client()
    assert.equal((await importAndWait(client, [update.input])).status, 'Succeeded')
    assert.deepEqual(await contentOf(client, update.updateId), [sha256Of(bytes)])
  })
}
