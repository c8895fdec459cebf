import { Agent } from 'undici'
import { DeliveryFailed, type WebhookSender } from '../../ports/webhook-sender.ts'
import { AddressRefused, checkedConnector, type ResolveHost, resolveBySystem } from '../source/source-connect.ts'
import type { SourcePolicy } from '../source/source-policy.ts'

const CONNECT_MS = 5000
/** From the first byte sent to the status of the answer, connecting included. */
const TOTAL_MS = 15_000
/** To one host. Others wait for nobody's answer. */
const CONNECTIONS_MAX = 8

/**
 * Posts over http and https, on connections of its own, to addresses that the policy allows: the same rules as for sources, with an
 * allowance of its own. Redirects are not followed, proxies never used, and of the answer only the status is read.
 */
export function openWebhookSender({
  policy,
  version,
  ca,
  resolve = resolveBySystem,
  totalMs = TOTAL_MS,
}: {
  policy: SourcePolicy
  /** Of Aduana, for the `user-agent` header. */
  version: string
  /** The certificate authorities (PEM) to trust instead of those that Node trusts. */
  ca?: string | undefined
  resolve?: ResolveHost
  totalMs?: number
}): WebhookSender {
  const agent = new Agent({
    connect: checkedConnector({
      policy,
      resolve,
      ca,
      connectMs: Math.min(CONNECT_MS, totalMs),
      flag: '--allow-webhook',
    }),
    headersTimeout: totalMs,
    allowH2: false,
    connections: CONNECTIONS_MAX,
    pipelining: 1,
  })
  return {
    async send({ url, headers, body, signal }) {
      const { origin, pathname, search, host } = new URL(url)
      const late = new AbortController()
      const timer = setTimeout(
        () => late.abort(new DeliveryFailed(`${host} did not answer within ${totalMs / 1000} seconds.`)),
        totalMs,
      )
      const ending = AbortSignal.any([signal, late.signal])
      try {
        const answering = agent.request({
          origin,
          path: pathname + search,
          method: 'POST',
          headers: { ...headers, 'user-agent': `aduana/${version}` },
          body,
          signal: ending,
        })
        // undici does not heed the signal before it is connected.
        const { statusCode, body: answer } = await Promise.race([answering, aborted(ending)])
        // What it says is of no interest, and may never end.
        answer.on('error', () => {}).destroy()
        if (statusCode < 200 || statusCode > 299) {
          throw new DeliveryFailed(`${host} answered with status ${statusCode} instead of 2xx.`)
        }
      } catch (error) {
        if (error instanceof DeliveryFailed) throw error
        ending.throwIfAborted()
        throw new DeliveryFailed(error instanceof AddressRefused ? error.message : whyNot(host, error), {
          cause: error,
        })
      } finally {
        clearTimeout(timer)
      }
    },
    close: () => agent.destroy(),
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

function whyNot(host: string, error: unknown): string {
  const { code, cause } = Object(error) as { code?: unknown; cause?: { code?: unknown } }
  const known = cause?.code ?? code
  return `${host} cannot be reached, or broke off${typeof known === 'string' ? ` (${known})` : ''}.`
}
