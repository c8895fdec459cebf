import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Dialect } from '../../src/client/api-types.ts'
import { type Azurite, startAzurite } from '../support/azurite.ts'
import { publishExample } from '../support/publish-example.ts'
import { type Aduana, startAduana } from '../support/start-aduana.ts'

const DIALECTS: Dialect[] = ['v2', '2021', '2022']

const SINGLE_UPDATES = [
  'apt/contoso.toaster-base-data.1.0.importmanifest.json',
  'apt/contoso.toaster-base-data.1.1.importmanifest.json',
  'script/contoso.toaster-settings.1.1.importmanifest.json',
  'swupdate/contoso.toaster-os.1.2.0.importmanifest.json',
]

/** The parent stands between its children, since any order must do. */
const BUNDLE = [
  'bundle/contoso.toaster-heater.2.0.importmanifest.json',
  'bundle/contoso.toaster-components.2.0.importmanifest.json',
  'bundle/contoso.toaster-display.2.0.importmanifest.json',
]

describe('an update published to Blob storage', () => {
  let azurite: Azurite
  let aduana: Aduana
  before(async () => {
    azurite = await startAzurite()
    aduana = await startAduana()
  })
  after(async () => {
    await aduana?.[Symbol.asyncDispose]()
    await azurite?.[Symbol.asyncDispose]()
  })

  for (const dialect of DIALECTS) {
    for (const example of SINGLE_UPDATES) {
      test(`${example} is imported by SAS URLs, read byte for byte and deleted in the ${dialect} dialect`, async () => {
        const client = await aduana.client(dialect)
        const { input, payloads, updateId } = await publishExample(azurite, example)

        const { operationId, operationLocation } = await client.importUpdate([input])
        assert.match(operationLocation, /^\/device[uU]pdate\/default\//)
        const operation = await client.waitForOperation(operationId)
        assert.equal(operation.status, 'Succeeded', JSON.stringify(operation.error))
        assert.deepEqual(operation.update?.updateId ?? operation.updateId, updateId)

        const update = await client.getUpdate(updateId)
        assert.deepEqual(update.updateId, updateId)
        const { files } = await client.getUpdateWithContent(updateId)
        for (const { fileName, contentUrl } of files) {
          const bytes = Buffer.from(await (await fetch(contentUrl)).arrayBuffer())
          assert.deepEqual(bytes, payloads.get(fileName))
          const head = await fetch(contentUrl, { method: 'HEAD' })
          assert.equal(Number(head.headers.get('content-length')), bytes.byteLength)
        }
        assert.equal(files.length, payloads.size)

        assert.ok((await Array.fromAsync(client.listProviders())).includes(updateId.provider))
        assert.ok((await Array.fromAsync(client.listNames(updateId.provider))).includes(updateId.name))
        assert.deepEqual(await Array.fromAsync(client.listVersions(updateId)), [updateId.version])

        const deletion = await client.deleteUpdate(updateId)
        const deleted = await client.waitForOperation(deletion.operationId)
        assert.equal(deleted.status, 'Succeeded')
        assert.equal(deleted.resourceLocation, undefined)
        await assert.rejects(client.getUpdate(updateId), { status: 404 })
      })
    }
  }

  for (const dialect of ['2021', '2022'] as const) {
    test(`a parent and its children become visible together and go together in the ${dialect} dialect`, async () => {
      const client = await aduana.client(dialect)
      const published = await Promise.all(BUNDLE.map((example) => publishExample(azurite, example)))
      const [heater, parent, display] = published.map(({ updateId }) => updateId)
      assert.ok(heater && parent && display)

      const { operationId } = await client.importUpdate(published.map(({ input }) => input))
      const operation = await client.waitForOperation(operationId)
      assert.equal(operation.status, 'Succeeded', JSON.stringify(operation.error))
      assert.deepEqual(operation.update?.updateId ?? operation.updateId, parent)
      assert.deepEqual((await client.getUpdate(heater)).referencedBy, [parent])
      assert.equal((await client.getUpdate(display)).isDeployable, false)

      const refused = await client.waitForOperation((await client.deleteUpdate(heater)).operationId)
      assert.equal(refused.error?.code, 'UpdateInUse')
      assert.match(refused.error?.message ?? '', /Toaster-Components/i)

      await client.waitForOperation((await client.deleteUpdate(parent)).operationId)
      assert.deepEqual(await Array.fromAsync(client.listProviders()), [])
    })
  }
})
