import type { ManifestVersion } from '../../src/domain/import-manifest.ts'

export type Json = string | number | boolean | null | Json[] | { [name: string]: Json }

/** SHA-256 of nothing in particular: 32 bytes in base64. */
export const SHA256 = 'K2mn97qWmKSaSaM9SFdhC0QIEJ/wluXV7CoTlM8zMUo='

const updateId = { provider: 'Contoso', name: 'Toaster', version: '1.0' }
const sensorId = { provider: 'Contoso', name: 'Sensor', version: '1.0' }
const createdDateTime = '2020-10-02T22:18:04.9446744Z'
const swu = { filename: 'toaster.swu', sizeInBytes: 7, hashes: { sha256: SHA256 } }
const compatibility = [{ deviceManufacturer: 'Contoso', deviceModel: 'Toaster' }]
const instructions = {
  steps: [
    {
      description: 'The image',
      handler: 'microsoft/swupdate:1',
      files: ['toaster.swu'],
      handlerProperties: { installedCriteria: '1.0' },
    },
    { type: 'reference', description: 'The sensor', updateId: sensorId },
  ],
}

const MANIFESTS: Record<ManifestVersion, { [name: string]: Json }> = {
  '2.0': {
    updateId,
    updateType: 'microsoft/swupdate:1',
    installedCriteria: '1.0',
    compatibility,
    files: [swu],
    createdDateTime,
    manifestVersion: '2.0',
  },
  '3.0': {
    updateId,
    isDeployable: true,
    updateType: 'microsoft/bundle:1',
    installedCriteria: '1.0',
    compatibility,
    files: [{ ...swu, mimeType: 'application/octet-stream' }],
    bundledUpdates: [sensorId],
    createdDateTime,
    manifestVersion: '3.0',
  },
  '4.0': {
    $schema: 'https://json.schemastore.org/azure-deviceupdate-import-manifest-4.0.json',
    updateId,
    description: 'A toaster',
    isDeployable: true,
    compatibility,
    instructions,
    files: [swu],
    createdDateTime,
    manifestVersion: '4.0',
  },
  '5.0': {
    $schema: 'https://json.schemastore.org/azure-deviceupdate-import-manifest-5.0.json',
    updateId,
    description: 'A toaster',
    isDeployable: true,
    compatibility,
    instructions,
    files: [
      {
        ...swu,
        mimeType: 'application/octet-stream',
        properties: { colour: 'red' },
        relatedFiles: [
          { filename: 'delta.dat', sizeInBytes: 3, hashes: { sha256: SHA256 }, properties: { from: '0.9' } },
        ],
        downloadHandler: { id: 'microsoft/delta:1' },
      },
    ],
    createdDateTime,
    manifestVersion: '5.0',
  },
}

/** A fresh manifest in which every member that the version knows is there and right. */
export function validManifest(version: ManifestVersion): Json {
  return structuredClone(MANIFESTS[version])
}

/** The manifest with the values at the JSON Pointers replaced, or taken out where the value is undefined. */
export function changed(manifest: Json, changes: Record<string, Json | undefined>): Json {
  const root = { root: structuredClone(manifest) }
  for (const [pointer, value] of Object.entries(changes)) {
    const path = `root${pointer}`.split('/').map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
    const last = path.pop() ?? ''
    // An array takes its indexes as texts too.
    const parent = path.reduce((node, step) => node[step] as { [name: string]: Json }, root as { [name: string]: Json })
    if (value === undefined) delete parent[last]
    else parent[last] = value
  }
  return root.root
}

export function bytesOf(value: Json): Uint8Array {
  return Buffer.from(JSON.stringify(value, null, 2))
}
