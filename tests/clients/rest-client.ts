import { type CreateHttpPollerOptions, createHttpPoller, type OperationState } from '@azure/core-lro'
import { type Client, type ClientOptions, getClient, type PathUncheckedResponse } from '@azure-rest/core-client'

/** What `@azure-rest/iot-device-update` asks for a token with. */
export const SCOPE = 'https://api.adu.microsoft.com/.default'

/** The part of a token's bearer that the core library wants. */
export interface TokenCredential {
  getToken(scopes: string | string[]): Promise<{ token: string; expiresOnTimestamp: number }>
}

/**
 * A client as thin as `@azure-rest/iot-device-update` 1.x: that package adds types to the core libraries, a scope, an api-version, and that
 * the endpoint has no scheme. All that it does on the wire they do.
 */
export function createDeviceUpdateClient(
  endpoint: string,
  credential: TokenCredential,
  options: ClientOptions & { apiVersion?: string } = {},
): Client {
  return getClient(`https://${endpoint}`, credential, {
    apiVersion: '2022-10-01',
    ...options,
    credentials: { scopes: [SCOPE] },
  })
}

type PollerOptions = CreateHttpPollerOptions<PathUncheckedResponse, OperationState<PathUncheckedResponse>>

/** Polls the operation that an answer leads to: its `Operation-Location` until the end, then its `resourceLocation`. */
export function getLongRunningPoller(client: Client, initial: PathUncheckedResponse, options: PollerOptions = {}) {
  const asLro = (response: PathUncheckedResponse) => ({
    flatResponse: response,
    rawResponse: {
      ...response,
      request: response.request as never,
      statusCode: Number(response.status),
      headers: response.headers as Record<string, string>,
    },
  })
  return createHttpPoller<PathUncheckedResponse, OperationState<PathUncheckedResponse>>(
    {
      sendInitialRequest: async () => asLro(initial),
      sendPollRequest: async (path) => asLro(await client.pathUnchecked(path).get()),
    },
    options,
  )
}

/** Every element of a list: a `value` that is no array is an error, and so is a `nextLink` that is no text. */
export async function* paginate<Element>(client: Client, first: PathUncheckedResponse): AsyncGenerator<Element> {
  for (let page = first; ; ) {
    if (page.status !== '200') throw new Error(`Pagination failed with unexpected statusCode ${page.status}`)
    const { value, nextLink } = page.body
    if (!Array.isArray(value)) throw new Error('The body has no array called value.')
    yield* value as Element[]
    if (nextLink === undefined) return
    if (typeof nextLink !== 'string') throw new Error('nextLink is neither a string nor undefined.')
    page = await client.pathUnchecked(nextLink).get()
  }
}
