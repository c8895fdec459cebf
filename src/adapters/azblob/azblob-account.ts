import {
  AnonymousCredential,
  BlobServiceClient,
  newPipeline,
  type RequestPolicyFactory,
  type StoragePipelineOptions,
  StorageSharedKeyCredential,
} from '@azure/storage-blob'
import type { StorePatience } from '../object-store/call-store.ts'
import { watchedAgents } from '../object-store/watched-agents.ts'

type Credential = Parameters<typeof newPipeline>[0]

/**
 * A client for the account that the environment names, as the Azure CLI reads it: `AZURE_STORAGE_CONNECTION_STRING`; or
 * `AZURE_STORAGE_ACCOUNT` with `AZURE_STORAGE_KEY`, with `AZURE_STORAGE_SAS_TOKEN`, or with neither, and then with what
 * `DefaultAzureCredential` finds. `AZURE_STORAGE_SERVICE_ENDPOINT` is for accounts elsewhere than in the public cloud. Throws an `Error`
 * with a sentence, and without secrets, if these do not fit.
 */
export async function openAzblobAccount(patience: StorePatience, env: NodeJS.ProcessEnv): Promise<BlobServiceClient> {
  const { url, credential } = await accountOf(env)
  return new BlobServiceClient(url, watchedPipeline(credential, patience))
}

async function accountOf(env: NodeJS.ProcessEnv): Promise<{ url: string; credential: Credential }> {
  const {
    AZURE_STORAGE_CONNECTION_STRING: connectionString,
    AZURE_STORAGE_ACCOUNT: account,
    AZURE_STORAGE_KEY: key,
    AZURE_STORAGE_SAS_TOKEN: sasToken,
    AZURE_STORAGE_SERVICE_ENDPOINT: endpoint,
  } = env
  if (connectionString) return accountOfConnectionString(connectionString)
  if (!account) {
    throw new Error(
      'No storage account is named. Set AZURE_STORAGE_CONNECTION_STRING, or AZURE_STORAGE_ACCOUNT with AZURE_STORAGE_KEY, with ' +
        'AZURE_STORAGE_SAS_TOKEN or, for a managed identity and the like, alone.',
    )
  }
  const url = endpoint || `https://${account}.blob.core.windows.net`
  if (!URL.canParse(url)) throw new Error('AZURE_STORAGE_SERVICE_ENDPOINT is not a URL.')
  if (key) {
    if (!isBase64(key)) throw new Error('AZURE_STORAGE_KEY is not the base64 text that Azure shows as an access key.')
    return { url, credential: new StorageSharedKeyCredential(account, key) }
  }
  if (sasToken) return { url: `${url}?${sasToken.replace(/^\?/, '')}`, credential: new AnonymousCredential() }
  // Loaded only here: it takes longer to load than everything else of the store.
  const { DefaultAzureCredential } = await import('@azure/identity')
  return { url, credential: new DefaultAzureCredential() }
}

function accountOfConnectionString(connectionString: string): { url: string; credential: Credential } {
  try {
    const { url, credential } = BlobServiceClient.fromConnectionString(connectionString)
    return { url, credential }
  } catch {
    // What the SDK says may have a part of it.
    throw new Error(
      'AZURE_STORAGE_CONNECTION_STRING is not a connection string with an account and a key or a SAS, such as the Azure portal shows ' +
        'under "Access keys".',
    )
  }
}

function isBase64(text: string): boolean {
  return Buffer.from(text, 'base64').toString('base64') === text
}

/** The SDK has no time limits of its own, and tries again by rules that we have in one place for all stores. */
function watchedPipeline(credential: Credential, patience: StorePatience) {
  const agents = watchedAgents(patience)
  const options: StoragePipelineOptions = { retryOptions: { maxTries: 1 } }
  const pipeline = newPipeline(credential, options)
  const byOurAgents: RequestPolicyFactory = {
    create: (next) => ({
      sendRequest(request) {
        // A proxy that the environment names brings its own.
        request.agent ??= request.url.startsWith('https:') ? agents.https : agents.http
        return next.sendRequest(request)
      },
    }),
  }
  pipeline.factories.push(byOurAgents)
  return pipeline
}
