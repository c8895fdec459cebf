import { createHash } from 'node:crypto'
import type { ImportUpdateInput } from '../../src/client/api-types.ts'
import type { ImportInput } from '../../src/domain/import-request.ts'
import type { UpdateId } from '../../src/domain/update-id.ts'
import { bytesOf, changed, type Json } from './import-manifests.ts'
import { type Behaviour, type MisbehavingSource, serveBytes } from './misbehaving-source.ts'

/** Secret of every URL that is published here: nothing but the source may come to know it. */
export const SIGNATURE = 'c2lnbmF0dXJlLXRoYXQtbXVzdC1zdGF5LWEtc2VjcmV0'

const SAS = `?sv=2024-11-04&se=2099-12-31T00%3A00%3A00Z&sr=b&sp=r&sig=${SIGNATURE}`

export interface PayloadRecipe {
  name: string
  bytes: Uint8Array
  /** How the source serves it, if not as it should. */
  behaviour?: Behaviour
}

export interface UpdateRecipe {
  provider?: string
  name?: string
  version?: string
  isDeployable?: boolean
  /** What is installed: one file with some bytes, unless told. */
  files?: readonly PayloadRecipe[]
  /** The updates that the reference steps name. */
  references?: readonly UpdateId[]
  /** Changes to the finished manifest: values by JSON Pointer, undefined takes the member out. */
  changes?: Record<string, Json | undefined>
  /** These bytes stand where the manifest should; the request states their size and hash. */
  manifestBytes?: Uint8Array
  manifestBehaviour?: Behaviour
  /** The query of every URL, in place of a SAS that is good for a long time. */
  query?: string
}

export interface PublishedUpdate {
  /** What a client sends. Fresh, so that a test may change it. */
  input: ImportUpdateInput
  updateId: UpdateId
  manifestBytes: Uint8Array
  payloads: Map<string, Uint8Array>
  /** The path at the source of each file name, and of the manifest under the empty name. It does not have the name in it. */
  paths: Map<string, string>
}

let published = 0

/** Makes an import manifest 5.0 with these properties and serves it and its files from the source. */
export function publishUpdate(source: Pick<MisbehavingSource, 'at'>, recipe: UpdateRecipe = {}): PublishedUpdate {
  published += 1
  const number = published
  const { provider = `Provider${number}`, name = 'Toaster', version = '1.0', isDeployable = true } = recipe
  const { references = [], query = SAS } = recipe
  const files: readonly PayloadRecipe[] = recipe.files ?? [
    { name: 'toaster.swu', bytes: Buffer.from(`payload ${number}`) },
  ]
  const updateId = { provider, name, version }
  const manifest = {
    updateId,
    isDeployable,
    compatibility: [{ deviceManufacturer: 'Contoso', deviceModel: 'Toaster' }],
    ...(files.length > 0 && {
      files: files.map(({ name, bytes }) => ({
        filename: name,
        sizeInBytes: bytes.byteLength,
        hashes: { sha256: sha256Of(bytes) },
      })),
    }),
    instructions: {
      steps: [
        ...(files.length > 0 ? [inlineStep(files.map((file) => file.name))] : []),
        ...references.map((reference) => ({ type: 'reference', updateId: { ...reference } })),
      ],
    },
    createdDateTime: '2024-05-06T07:08:09Z',
    manifestVersion: '5.0',
  }
  const manifestBytes = recipe.manifestBytes ?? bytesOf(changed(manifest as Json, recipe.changes ?? {}))

  const paths = new Map([['', `/${number}/manifest`]])
  const serve = (path: string, behaviour: Behaviour) => source.at(path, behaviour).href + query
  const manifestUrl = serve(`/${number}/manifest`, recipe.manifestBehaviour ?? serveBytes(manifestBytes))
  const urls = files.map(({ name, bytes, behaviour }, index) => {
    const path = `/${number}/${index}`
    paths.set(name, path)
    return { filename: name, url: serve(path, behaviour ?? serveBytes(bytes)) }
  })
  return {
    input: {
      importManifest: {
        url: manifestUrl,
        sizeInBytes: manifestBytes.byteLength,
        hashes: { sha256: sha256Of(manifestBytes) },
      },
      ...(urls.length > 0 && { files: urls }),
    },
    updateId,
    manifestBytes,
    payloads: new Map(files.map(({ name, bytes }) => [name, bytes])),
    paths,
  }
}

function inlineStep(files: string[]) {
  return { handler: 'microsoft/swupdate:1', files, handlerProperties: { installedCriteria: '1.0' } }
}

/** The same input as services get it. */
export function asImportInput({ importManifest, friendlyName, files = [] }: ImportUpdateInput): ImportInput {
  return {
    importManifest,
    ...(friendlyName !== undefined && { friendlyName }),
    files: files.map(({ filename, url }) => ({ fileName: filename, url })),
  }
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64')
}

/** How often the source was asked for this path. */
export function requestsFor(source: MisbehavingSource, path: string | undefined): number {
  return source.requests.filter((request) => request.path.split('?')[0] === path).length
}
