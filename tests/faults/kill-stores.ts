import { mkdir, readdir, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { BlobServiceClient } from '@azure/storage-blob'
import { startAzurite } from '../support/azurite.ts'
import { pathOf } from './check-blobs.ts'
import type { FindingCode } from './finding.ts'
import { makeOld } from './kill-end.ts'

/** The store of nodes that are killed. */
export interface KillStore extends AsyncDisposable {
  /** For `--store`. */
  address: string
  env: NodeJS.ProcessEnv
  /** Answers a folder that has what the store has now, laid out as the store of one machine. */
  view(): Promise<string>
  /** Makes it look as if the crashes had been long ago. */
  makeOld(): Promise<void>
  /** What may be found at the end, since nothing in it can be made to look old. */
  spared: readonly FindingCode[]
}

/** `folder` or `azblob`, which is an Azurite. Whatever is needed for it is kept in `folder`. */
export async function openKillStore(kind: string, folder: string): Promise<KillStore> {
  if (kind === 'azblob') return await openAzuriteStore(join(folder, 'mirror'))
  const address = join(folder, 'blobs')
  return {
    address,
    env: {},
    view: async () => address,
    makeOld: () => makeOld(address),
    spared: [],
    async [Symbol.asyncDispose]() {},
  }
}

/** Copies what is new, and deletes what is gone: a name stands for the same bytes for ever, and its copy is hashed each time. */
async function openAzuriteStore(mirror: string): Promise<KillStore> {
  const azurite = await startAzurite()
  const container = BlobServiceClient.fromConnectionString(azurite.connectionString).getContainerClient('kills')
  await mkdir(join(mirror, 'v1'), { recursive: true })
  await mkdir(join(mirror, 'partial'))
  return {
    address: 'azblob://kills',
    env: { AZURE_STORAGE_CONNECTION_STRING: azurite.connectionString },
    async view() {
      const kept = new Set(
        (await readdir(join(mirror, 'v1'), { recursive: true, withFileTypes: true }))
          .filter((entry) => entry.isFile())
          .map(({ name }) => name),
      )
      for await (const { name: key } of container.listBlobsFlat()) {
        const name = basename(key)
        if (kept.delete(name)) continue
        await mkdir(dirname(pathOf(mirror, name)), { recursive: true })
        await container.getBlobClient(key).downloadToFile(pathOf(mirror, name))
      }
      for (const gone of kept) await rm(pathOf(mirror, gone))
      return mirror
    },
    async makeOld() {},
    spared: ['copy-left'],
    [Symbol.asyncDispose]: () => azurite[Symbol.asyncDispose](),
  }
}
