import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ApiClient } from '../../src/client/api-client.ts'
import type { Operation } from '../../src/client/api-types.ts'
import { buildPortal } from './built-portal.ts'
import { type Clamd, noClamd, startClamd } from './clamd.ts'
import { type MisbehavingSource, serveBytes, serveOtherBytes, stall, startSource } from './misbehaving-source.ts'
import { importAndWait } from './operation-end.ts'
import { publishUpdate, type UpdateRecipe } from './publish-update.ts'
import { runAduana } from './run-aduana.ts'
import { seededBytes } from './seeded-bytes.ts'
import { type Aduana, startAduana } from './start-aduana.ts'

/** What a page must show as text, and never run. */
export const HOSTILE = '<img src=x onerror="document.title=1"><script>alert(1)</script>"\'&'

/** As long as identities may be. */
export const LONG_NAME = 'Name-that-is-as-long-as-a-name-may-be-and-has-no-place-to-break0'

export const TOASTER = { provider: 'Contoso', name: 'Toaster', version: '1.10' }
/** References the sensor, which is not deployable. */
export const KITCHEN = { provider: 'Contoso', name: 'Kitchen', version: '2.0' }
export const SENSOR = { provider: 'Fabrikam', name: 'Sensor', version: '3.1' }
/** Its friendly name and description are `HOSTILE`, its name is `LONG_NAME`. */
export const STRANGE = { provider: 'Fabrikam', name: LONG_NAME, version: '1.0.0.1' }

/** A real server with a built portal, two instances, and in `blue` updates and operations of every kind. */
export interface PortalServer extends AsyncDisposable {
  aduana: Aduana
  source: MisbehavingSource
  client: ApiClient
  /** A link as `aduana link` prints it. */
  link(...flags: string[]): Promise<string>
  /** Imports that have failed, by what went wrong, and one that goes on and on. */
  operations: { wrongHash: string; wrongManifest: string; running: string }
}

export async function startPortal({
  flags = [],
  hasScanner = false,
}: {
  flags?: string[]
  /** Where clamd is not installed, there is none in any case. */
  hasScanner?: boolean
} = {}): Promise<PortalServer> {
  await using started = new AsyncDisposableStack()
  await buildPortal()
  const folder = await mkdtemp(join(tmpdir(), 'aduana-portal-'))
  started.defer(() => rm(folder, { recursive: true, force: true }))
  const source = started.use(await startSource())
  let clamd: Clamd | undefined
  if (hasScanner && noClamd === false) clamd = started.use(await startClamd())
  const aduana = started.use(
    await startAduana({
      flags: [
        ...['--allow-source', '127.0.0.0/8', '--instance', 'blue', '--instance', 'green', '--limit', 'bytes=4000000'],
        ...['--distribute', `factory=${join(folder, 'factory')}`],
        ...(clamd ? ['--scanner', clamd.socketUrl, '--scan-max', '1048576'] : []),
        ...flags,
      ],
    }),
  )
  const client = await aduana.client('2022', 'blue')
  const operations = await fill(client, source)
  const disposal = started.move()
  return {
    aduana,
    source,
    client,
    operations,
    async link(...more) {
      const given = ['--data', aduana.folder, '--server', aduana.httpUrl]
      const { status, stdout, stderr } = await runAduana(['link', ...given, ...more])
      assert.equal(status, 0, stderr)
      return stdout.trim()
    },
    [Symbol.asyncDispose]: () => disposal.disposeAsync(),
  }
}

async function fill(client: ApiClient, source: MisbehavingSource): Promise<PortalServer['operations']> {
  const published = (recipe: UpdateRecipe) => publishUpdate(source, recipe).input
  const succeed = async (...recipes: UpdateRecipe[]) => {
    const operation = await importAndWait(client, recipes.map(published))
    assert.equal(operation.status, 'Succeeded', JSON.stringify(operation.error))
  }
  const fail = async (recipe: UpdateRecipe): Promise<string> => {
    const { status, operationId }: Operation = await importAndWait(client, [published(recipe)])
    assert.equal(status, 'Failed')
    return operationId
  }
  const image = { name: 'toaster-os.swu', bytes: seededBytes('image', 700_000) }
  for (const version of ['1.8', '1.9']) {
    await succeed({
      ...TOASTER,
      version,
      files: [{ name: `toaster-os-${version}.swu`, bytes: seededBytes('same', 400_000) }],
    })
  }
  await succeed({ ...TOASTER, files: [image, { name: 'install.sh', bytes: Buffer.from('#!/bin/sh\nexit 0\n') }] })
  await succeed(
    { ...KITCHEN, references: [SENSOR], files: [{ name: 'kitchen.json', bytes: Buffer.from('{"oven":1}') }] },
    { ...SENSOR, isDeployable: false, files: [{ name: 'sensor.bin', bytes: seededBytes('sensor', 60_000) }] },
  )
  const strange = publishUpdate(source, { ...STRANGE, changes: { '/description': HOSTILE } })
  const operation = await importAndWait(client, [{ ...strange.input, friendlyName: HOSTILE }])
  assert.equal(operation.status, 'Succeeded', JSON.stringify(operation.error))

  const wrong = Buffer.from('not what the manifest says')
  const wrongHash = await fail({
    ...TOASTER,
    version: '1.11',
    files: [{ name: 'toaster-os.swu', bytes: wrong, behaviour: serveOtherBytes(wrong) }],
  })
  const wrongManifest = await fail({
    ...TOASTER,
    version: '1.12',
    changes: { '/compatibility': undefined, '/instructions/steps/0/handler': 'swupdate' },
  })
  const half = seededBytes('half', 900_000)
  const { operationId: running } = await client.importUpdate([
    published({
      ...TOASTER,
      version: '2.0',
      files: [
        {
          name: 'notes.txt',
          bytes: Buffer.from('New: it toasts on both sides.'),
          behaviour: serveBytes(Buffer.from('New: it toasts on both sides.')),
        },
        { name: 'toaster-os-2.0.swu', bytes: half, behaviour: stall(half, { afterBytes: 500_000 }) },
      ],
    }),
  ])
  return { wrongHash, wrongManifest, running }
}
