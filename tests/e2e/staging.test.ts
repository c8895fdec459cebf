// Staged uploads from end to end: the real program, the official client for tus, and imports that name what was staged.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { ApiClient } from '../../src/client/api-client.ts'
import { importAndWait } from '../support/operation-end.ts'
import { sha256Of } from '../support/publish-update.ts'
import { seededBytes } from '../support/seeded-bytes.ts'
import { type StagingPlace, stageUpdate } from '../support/stage.ts'
import { type Aduana, startAduana } from '../support/start-aduana.ts'

const MiB = 1024 * 1024

describe('a server with staged uploads', () => {
  let aduana: Aduana
  let place: StagingPlace
  let client: ApiClient

  before(async () => {
    aduana = await startAduana({ flags: [] })
    place = { httpUrl: aduana.httpUrl, token: await aduana.token() }
    client = await aduana.client()
  })
  after(() => aduana?.[Symbol.asyncDispose]())

  async function contentOf(updateId: Parameters<ApiClient['getUpdateWithContent']>[0]): Promise<string[]> {
    const { files } = await client.getUpdateWithContent(updateId)
    return Promise.all(
      files.map(async ({ contentUrl }) => sha256Of(new Uint8Array(await (await fetch(contentUrl)).arrayBuffer()))),
    )
  }

  test('imports a manifest and files that were staged, byte for byte, and then they are gone', async () => {
    const files = [
      { name: 'small.bin', bytes: Buffer.from('small') },
      { name: 'large.bin', bytes: seededBytes('large', 20 * MiB + 17) },
    ]
    const { input, updateId } = await stageUpdate(place, { files })
    const operation = await importAndWait(client, [input])
    assert.equal(operation.status, 'Succeeded', JSON.stringify(operation.error))
    assert.deepEqual(
      await contentOf(updateId),
      files.map(({ bytes }) => sha256Of(bytes)),
    )
  })
})
