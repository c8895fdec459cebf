import { RestError } from '@azure/storage-blob'
import { isPassing, type RequestFailure, reasonOf } from '../object-store/call-store.ts'

// The bytes came damaged; the container is being deleted, and can be made again in half a minute.
const TRANSIENT = new Set(['Md5Mismatch', 'ContainerBeingDeleted'])

/** What an error of the Azure SDK says. Messages of the service are left out: they repeat what was signed. */
export function readAzblobFailure(error: unknown): RequestFailure {
  if (error instanceof RestError && error.statusCode !== undefined) {
    const { statusCode: status, response, code } = error
    const reason = code ?? response?.headers.get('x-ms-error-code') ?? 'without a code'
    const retryAfter = Number(response?.headers.get('retry-after'))
    return {
      status,
      reason,
      requestId: response?.headers.get('x-ms-request-id'),
      ...(retryAfter > 0 && { retryAfterMs: retryAfter * 1000 }),
      ...(TRANSIENT.has(reason) && { isTransient: true }),
    }
  }
  const { name = '', code = '' } = error as { name?: string; code?: string }
  if (name === 'AggregateAuthenticationError') {
    const reason = 'DefaultAzureCredential found no credential. Sign in with az login, or see what it looks for'
    return { status: undefined, reason, isTransient: false }
  }
  return { status: undefined, reason: reasonOf(error), isTransient: error instanceof RestError && isPassing(code) }
}
