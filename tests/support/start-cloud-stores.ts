import { type Azurite, startAzurite } from './azurite.ts'
import { type S3Server, startS3Server } from './s3-server.ts'

/** Stores as clouds offer them, of which the environment of this process has the addresses and keys until they are stopped. */
export interface CloudStores extends AsyncDisposable {
  azurite: Azurite
  s3: S3Server
}

export async function startCloudStores(): Promise<CloudStores> {
  const [azurite, s3] = await Promise.all([startAzurite(), startS3Server()])
  const environment = { ...process.env }
  Object.assign(process.env, {
    AZURE_STORAGE_CONNECTION_STRING: azurite.connectionString,
    AWS_ENDPOINT_URL: `http://127.0.0.1:${s3.port}`,
    AWS_ACCESS_KEY_ID: s3.key.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.key.secretAccessKey,
  })
  return {
    azurite,
    s3,
    async [Symbol.asyncDispose]() {
      process.env = environment
      await azurite[Symbol.asyncDispose]()
      await s3[Symbol.asyncDispose]()
    },
  }
}
