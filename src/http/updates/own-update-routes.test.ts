import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type AppInMemory, startAppInMemory } from '../../../tests/support/app-in-memory.ts'
import { mistakesIn } from '../../../tests/support/check-document.ts'
import { seedUpdates, simpleManifest } from '../../../tests/support/seed-catalogue.ts'
import { COMPONENTS, SENSOR, seedEveryState, toaster } from '../../../tests/support/seed-every-state.ts'
import type { AuditRecord, Page, UpdateWithContent, Usage } from '../../client/api-types.ts'
import type { BlobName } from '../../domain/blob.ts'
import type { UpdateId } from '../../domain/update-id.ts'
import { insertAudit } from '../../store/audit.ts'
import { UpdateWithContent as UpdateWithContentSchema } from './update-schemas.ts'

const WHO = { subject: 'ana', issuer: 'urn:tests', address: '127.0.0.1', traceId: '0'.repeat(32) }

describe("Aduana's own view of an instance", () => {
  let app: AppInMemory
  before(async () => {
    app = await startAppInMemory({ instances: ['default', 'many', 'twice'], limits: { bytes: 1000 } })
    await seedEveryState(app.database, { traceId: '0'.repeat(32), instanceWithMany: 'many' })
  })
  after(() => app?.[Symbol.asyncDispose]())

  const addressOf = ({ provider, name, version }: UpdateId) =>
    `/aduana/v1/default/updates/providers/${provider}/names/${name}/versions/${version}`

  async function updateNow(updateId: UpdateId): Promise<UpdateWithContent> {
    const document = (await app.ask(addressOf(updateId))).json<UpdateWithContent>()
    assert.deepEqual(mistakesIn(document, UpdateWithContentSchema), [])
    return document
  }

  test('an update names its children and its parents, the import that brought it, and the verdict on each file', async () => {
    const parent = await updateNow(COMPONENTS)
    assert.deepEqual(parent.references, [SENSOR])
    assert.deepEqual((await updateNow(SENSOR)).referencedBy, [COMPONENTS])
    assert.match(parent.operationId, /^[0-9a-f-]{36}$/)
    const { files, references } = await updateNow(toaster('5.0'))
    assert.equal(references, undefined)
    const [file] = files.filter(({ relatedFiles }) => relatedFiles !== undefined)
    assert.equal(file?.scanResult, 'NotScanned')
    assert.equal(file.relatedFiles?.[0]?.scanResult, 'NotScanned')
    assert.match(file.downloadHandler?.id ?? '', /\S/)
  })

  test('the import manifest is answered to the letter', async () => {
    const [row] = await app.database.query(
      `select b.name as blob from updates u join blobs b on b.sha256 = u.manifest_sha256
        where u.instance = 'default' and u.name = 'Toaster' and u.version = '4.0'`,
    )
    const text = '\ufeff{ "b": 1.10,\r\n "a": "<script>é" }'
    const bytes = Buffer.from(text)
    const writer = await app.blobs.create({ name: String(row?.blob) as BlobName, sizeInBytes: bytes.byteLength })
    await writer.write(bytes)
    await writer.commit()
    const answer = await app.fastify.inject({
      url: `${addressOf(toaster('4.0'))}/manifest`,
      headers: { authorization: 'Bearer DeviceUpdateReader', host: 'localhost' },
    })
    assert.deepEqual(answer.rawPayload, bytes)
    assert.equal(answer.headers['content-security-policy'], 'sandbox')
    assert.equal((await app.ask(`${addressOf(toaster('9.9'))}/manifest`)).status, 404)
  })

  test('what is stored once counts once, and the quota stands beside it', async () => {
    await seedUpdates(
      app.database,
      ['1.0', '1.1'].map((version) => ({ manifest: simpleManifest({ version }) })),
      { instance: 'twice' },
    )
    const { sizeInBytes = 0 } = simpleManifest().files[0] ?? {}
    const usage = (await app.ask('/aduana/v1/twice/usage')).json<Usage>()
    const { provider, name } = simpleManifest().updateId
    assert.deepEqual(usage, {
      updates: 2,
      files: 2,
      sizeInBytes: 2 * sizeInBytes,
      storedBytes: sizeInBytes,
      limits: { sizeInBytes: 1000 },
      largest: [{ provider, name, updates: 2, sizeInBytes: 2 * sizeInBytes }],
    })
  })

  test('the audit log is read page by page, about one operation, and about one thing', async () => {
    const entries = Array.from({ length: 150 }, (_, number) =>
      insertAudit({ action: 'delete', instance: 'many', ...WHO, operationId: `op${number % 2}`, target: `t${number}` }),
    )
    await app.database.batch(entries)
    const page = async (path: string) => {
      const { json } = await app.ask(path)
      return json<Page<AuditRecord>>()
    }
    const first = await page('/aduana/v1/many/audit?operation=op1')
    assert.equal(first.value.length, 75)
    assert.equal(first.nextLink, undefined)
    const all = await page('/aduana/v1/many/audit')
    const rest = await page(all.nextLink ?? '')
    assert.equal(new Set([...all.value, ...rest.value].map(({ target }) => target)).size, 150)
    assert.equal(rest.nextLink, undefined)
    const [one, ...others] = (await page('/aduana/v1/many/audit?target=t7')).value
    assert.deepEqual([one?.subject, one?.address, one?.operationId, others], ['ana', '127.0.0.1', 'op1', []])
    const refused = await app.ask('/aduana/v1/many/audit', { role: 'DeviceUpdateContentAdministrator' })
    assert.equal(refused.status, 403)
  })
})
