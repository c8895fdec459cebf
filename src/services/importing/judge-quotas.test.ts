import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { validManifest } from '../../../tests/support/import-manifests.ts'
import { openDatabase } from '../../../tests/support/open-database.ts'
import { manifestOf, seedUpdates, simpleManifest } from '../../../tests/support/seed-catalogue.ts'
import type { ImportManifest } from '../../domain/import-manifest.ts'
import type { ServiceLimits } from '../../domain/service-limits.ts'
import type { UpdateId } from '../../domain/update-id.ts'
import type { Database } from '../../ports/database.ts'
import { createInstances } from '../../store/instances.ts'
import { judgeQuotas } from './judge-quotas.ts'
import type { Candidate } from './resolve-references.ts'

/** There are two providers, of which Contoso has two names, of which Toaster has two versions: 4 updates of 7 bytes. */
const THERE: Partial<UpdateId>[] = [
  { provider: 'Contoso', name: 'Toaster', version: '1.0' },
  { provider: 'Contoso', name: 'Toaster', version: '2.0' },
  { provider: 'Contoso', name: 'Kettle', version: '1.0' },
  { provider: 'Fabrikam', name: 'Lamp', version: '1.0' },
]
const NEXT_VERSION = { provider: 'CONTOSO', name: 'toaster', version: '3.0' }
const NEW_NAME = { provider: 'contoso', name: 'Fridge', version: '1.0' }
const NEW_PROVIDER = { provider: 'Tailspin', name: 'Toaster', version: '1.0' }

describe('quotas', () => {
  let database: Database
  before(async () => {
    database = await openDatabase()
    await createInstances(database, ['default', 'empty'])
    await seedUpdates(
      database,
      THERE.map((updateId) => ({ manifest: simpleManifest(updateId) })),
    )
  })
  after(() => database.close())

  /** The inner code of the refusal of an import of these updates together, or `passes`. */
  async function judge(limits: ServiceLimits, updateIds: Partial<UpdateId>[], instance = 'default'): Promise<string> {
    const candidates = updateIds.map((updateId) => candidate(simpleManifest(updateId)))
    const [objection] = await judgeQuotas(candidates, { database, instance, limits })
    if (objection === undefined) return 'passes'
    const { error } = objection
    assert.equal(error.code, 'UpdateLimitExceeded')
    return `${error.inner?.code} ${error.target}`
  }

  const table: [limits: ServiceLimits, updateIds: Partial<UpdateId>[], verdict: string][] = [
    // Without quotas, and with those that count something else.
    [{}, [NEW_PROVIDER], 'passes'],
    [{ operations: 1, requests: 1, 'list-operations': 1 }, [NEW_PROVIDER], 'passes'],
    // One is the last that fits, and then one too many.
    [{ providers: 3 }, [NEW_PROVIDER], 'passes'],
    [{ providers: 2 }, [NEW_PROVIDER], 'UpdateProvider Tailspin/Toaster/1.0'],
    [{ names: 3 }, [NEW_NAME], 'passes'],
    [{ names: 2 }, [NEW_NAME], 'UpdateName contoso/Fridge/1.0'],
    [{ versions: 3 }, [NEXT_VERSION], 'passes'],
    [{ versions: 2 }, [NEXT_VERSION], 'UpdateVersion CONTOSO/toaster/3.0'],
    [{ updates: 5 }, [NEXT_VERSION], 'passes'],
    [{ updates: 4 }, [NEXT_VERSION], 'UpdateTotal CONTOSO/toaster/3.0'],
    [{ bytes: 35 }, [NEXT_VERSION], 'passes'],
    [{ bytes: 34 }, [NEXT_VERSION], 'StorageTotal CONTOSO/toaster/3.0'],
    // What is there already may be used on, even where a quota has come to be lower than that.
    [{ providers: 1, names: 1 }, [NEXT_VERSION], 'passes'],
    [{ providers: 1 }, [NEW_NAME], 'passes'],
    [{ versions: 1 }, [NEW_NAME], 'passes'],
    // A parent and its children count together.
    [{ updates: 6 }, [NEXT_VERSION, NEW_NAME], 'passes'],
    [{ updates: 5 }, [NEXT_VERSION, NEW_NAME], 'UpdateTotal contoso/Fridge/1.0'],
    [{ bytes: 42 }, [NEXT_VERSION, NEW_NAME], 'passes'],
    [{ bytes: 41 }, [NEXT_VERSION, NEW_NAME], 'StorageTotal CONTOSO/toaster/3.0'],
    [{ versions: 4 }, [NEXT_VERSION, { ...NEXT_VERSION, version: '4.0' }], 'passes'],
    [
      { versions: 3 },
      [NEXT_VERSION, { ...NEXT_VERSION, provider: 'Contoso', version: '4.0' }],
      'UpdateVersion Contoso/toaster/4.0',
    ],
    [{ names: 4 }, [NEW_NAME, { ...NEW_NAME, name: 'Oven' }], 'passes'],
    [{ names: 3 }, [NEW_NAME, { ...NEW_NAME, name: 'Oven' }], 'UpdateName contoso/Oven/1.0'],
    [{ providers: 4 }, [NEW_PROVIDER, { ...NEW_PROVIDER, provider: 'Adatum' }], 'passes'],
    [{ providers: 3 }, [NEW_PROVIDER, { ...NEW_PROVIDER, provider: 'Adatum' }], 'UpdateProvider Adatum/Toaster/1.0'],
    // The same provider and name twice in a request are one, and so are those that are there already.
    [{ providers: 3, names: 1 }, [NEW_PROVIDER, { ...NEW_PROVIDER, version: '2.0' }], 'passes'],
    [{ providers: 3 }, [NEW_PROVIDER, { ...NEW_PROVIDER, name: 'Lamp' }], 'passes'],
    [{ providers: 3 }, [NEXT_VERSION, NEW_PROVIDER], 'passes'],
    [{ names: 3 }, [NEXT_VERSION, NEW_NAME], 'passes'],
    [{ names: 3 }, [{ ...NEW_PROVIDER, name: 'Lamp' }, NEW_NAME], 'passes'],
  ]
  for (const [limits, updateIds, verdict] of table) {
    const names = updateIds.map(({ provider, name, version }) => `${provider}/${name}/${version}`).join(' and ')
    test(`${JSON.stringify(limits)}, ${names}: ${verdict}`, async () => {
      assert.equal(await judge(limits, updateIds), verdict)
    })
  }

  test('an instance does not pay for another', async () => {
    const limits = { providers: 1, names: 1, versions: 1, updates: 1, bytes: 7 }
    assert.equal(await judge(limits, [NEW_PROVIDER], 'empty'), 'passes')
  })

  test('related files count as bytes too', async () => {
    const candidates = [candidate(manifestOf(validManifest('5.0')))]
    const check = (bytes: number) => judgeQuotas(candidates, { database, instance: 'empty', limits: { bytes } })
    assert.deepEqual(await check(10), [])
    assert.equal((await check(9)).length, 1)
  })

  test('the refusal says the documented sentence, and how much there may be', async () => {
    const limits = { providers: 2 }
    const candidates = [candidate(simpleManifest(NEW_PROVIDER))]
    const [objection] = await judgeQuotas(candidates, { database, instance: 'default', limits })
    assert.equal(objection?.error.message, 'Error importing update due to exceeded limit.')
    assert.equal(objection?.error.inner?.message, 'Cannot import additional update provider. The quota is 2.')
  })

  test('every quota that would be exceeded is told, with the update that is too much', async () => {
    const limits = { providers: 2, names: 1, updates: 5, bytes: 1 }
    const candidates = [NEW_NAME, NEW_PROVIDER].map((updateId) => candidate(simpleManifest(updateId)))
    const objections = await judgeQuotas(candidates, { database, instance: 'default', limits })
    assert.deepEqual(
      objections.map(({ candidate, error }) => `${candidates.indexOf(candidate)} ${error.inner?.code}`),
      ['0 UpdateName', '0 StorageTotal', '1 UpdateProvider', '1 UpdateTotal'],
    )
  })
})

function candidate(manifest: ImportManifest): Candidate {
  return { id: '', manifest, pointer: '' }
}
