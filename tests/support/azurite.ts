import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import {
  BlobSASPermissions,
  BlobServiceClient,
  generateBlobSASQueryParameters,
  StorageSharedKeyCredential,
} from '@azure/storage-blob'

/** A Blob storage account that lives as long as the test which started it. */
export interface Azurite {
  connectionString: string
  accountName: string
  accountKey: string
  /** `http://127.0.0.1:{port}/{accountName}`, or with https. */
  blobEndpoint: string
  port: number
  /** Puts a blob; makes the container if it is not there. */
  upload(container: string, name: string, bytes: Uint8Array): Promise<void>
  /** The address of a blob with a signature: by default one that reads and expires in four hours. */
  sasUrl(container: string, name: string, options?: SasOptions): string
  [Symbol.asyncDispose](): Promise<void>
}

export interface SasOptions {
  startsOn?: Date
  expiresOn?: Date
  /** Letters as in the `sp` parameter of a SAS, such as `rw`. */
  permissions?: string
}

export interface AzuriteOptions {
  /** Speaks https with this certificate and key, and takes tokens of Entra ID as well, whoever signed them. */
  tls?: { certificateFile: string; keyFile: string }
}

const START_TIMEOUT_MS = 20_000
const FOUR_HOURS_MS = 4 * 60 * 60 * 1000
const ACCOUNT = 'aduanatests'

/**
 * Starts a real Azurite Blob server on a free loopback port, with an account and key of its own and everything in memory.
 * It dies when disposed of, and also with the test process, however that ends.
 */
export async function startAzurite({ tls }: AzuriteOptions = {}): Promise<Azurite> {
  const accountKey = randomBytes(64).toString('base64')
  const server = fork(
    fileURLToPath(import.meta.resolve('azurite/dist/src/blob/main.js')),
    [
      ...['--blobPort', '0', '--inMemoryPersistence', '--silent', '--skipApiVersionCheck', '--disableTelemetry'],
      ...(tls === undefined ? [] : ['--cert', tls.certificateFile, '--key', tls.keyFile, '--oauth', 'basic']),
    ],
    {
      execArgv: ['--no-deprecation', '--import', 'data:text/javascript,process.on("disconnect",()=>process.exit())'],
      env: { ...process.env, AZURITE_ACCOUNTS: `${ACCOUNT}:${accountKey}`, AZURITE_DB: undefined },
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    },
  )
  const port = await listeningPort(server)
  const scheme = tls === undefined ? 'http' : 'https'
  const blobEndpoint = `${scheme}://127.0.0.1:${port}/${ACCOUNT}`
  const credential = new StorageSharedKeyCredential(ACCOUNT, accountKey)
  const service = new BlobServiceClient(blobEndpoint, credential)

  return {
    connectionString: `DefaultEndpointsProtocol=${scheme};AccountName=${ACCOUNT};AccountKey=${accountKey};BlobEndpoint=${blobEndpoint};`,
    accountName: ACCOUNT,
    accountKey,
    blobEndpoint,
    port,
    async upload(container, name, bytes) {
      const client = service.getContainerClient(container)
      await client.createIfNotExists()
      await client.getBlockBlobClient(name).uploadData(bytes)
    },
    sasUrl(container, name, { startsOn, expiresOn = new Date(Date.now() + FOUR_HOURS_MS), permissions = 'r' } = {}) {
      const signature = generateBlobSASQueryParameters(
        {
          containerName: container,
          blobName: name,
          permissions: BlobSASPermissions.parse(permissions),
          expiresOn,
          ...(startsOn && { startsOn }),
        },
        credential,
      )
      return `${service.getContainerClient(container).getBlobClient(name).url}?${signature}`
    },
    [Symbol.asyncDispose]: () => kill(server),
  }
}

async function listeningPort(server: ChildProcess): Promise<number> {
  const output = server.stdout as Readable
  const deadline = setTimeout(() => server.kill('SIGKILL'), START_TIMEOUT_MS)
  try {
    for await (const line of createInterface({ input: output })) {
      const port = /successfully listens on https?:\/\/127\.0\.0\.1:(\d+)/.exec(line)?.[1]
      if (port !== undefined) return Number(port)
    }
  } finally {
    clearTimeout(deadline)
    // Leaving the loop pauses the stream; Azurite must not come to wait for a reader of its output.
    output.resume()
  }
  throw new Error(`Azurite ended, or took more than ${START_TIMEOUT_MS} ms, before it listened`)
}

async function kill(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return
  server.kill('SIGKILL')
  await once(server, 'exit')
}
