import { Agent, type Dispatcher } from 'undici'
import { AppError } from '../../domain/errors.ts'
import { LIMITS } from '../../domain/limits.ts'
import type { OpenSource, SourceBody, SourcePosition } from '../../ports/source.ts'
import { readBody } from './source-body.ts'
import { checkedConnector, type ResolveHost, resolveBySystem } from './source-connect.ts'
import { type Deadline, startDeadline } from './source-deadline.ts'
import { refuseExpired } from './source-expiry.ts'
import { failureToAnswer, nameOf, statusFailure, tooLong } from './source-failure.ts'
import { SOURCE_LIMITS, type SourceLimits } from './source-limits.ts'
import type { SourcePolicy } from './source-policy.ts'
import { isRestOf, rangeHeaders, strongEtag } from './source-range.ts'

export interface HttpSourceOptions {
  policy: SourcePolicy
  /** Of Aduana, for the `user-agent` header. */
  version: string
  /** Where they differ from `SOURCE_LIMITS`. */
  limits?: Partial<SourceLimits>
  /** The certificate authorities (PEM) to trust instead of those that Node trusts. */
  ca?: string
  resolve?: ResolveHost
  /** The time in milliseconds since 1970, against which expiry is judged. */
  now?: () => number
}

export interface HttpSource {
  open: OpenSource
  /** Ends every connection. What is still being read fails. */
  close(): Promise<void>
}

/**
 * Fetches over http and https, from addresses that the policy allows. Redirects are followed by hand, at most
 * `LIMITS.redirectsMax`, each through the same checks. Answers are never decompressed, credentials never sent, proxies never used.
 */
export function openHttpSource(options: HttpSourceOptions): HttpSource {
  const { policy, version, ca, resolve = resolveBySystem, now = Date.now } = options
  const limits = { ...SOURCE_LIMITS, ...options.limits }
  const requestHeaders = { accept: '*/*', 'accept-encoding': 'identity', 'user-agent': `aduana/${version}` }
  const agent = new Agent({
    connect: checkedConnector({ policy, resolve, ca, connectMs: limits.connectMs }),
    headersTimeout: limits.silenceMs,
    bodyTimeout: limits.silenceMs,
    // undici would let the first https request of a host hold up the others until it knows whether HTTP/2 is spoken.
    allowH2: false,
    connections: CONNECTIONS_PER_ORIGIN,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
  })

  async function ask(url: URL, { place, deadline, from }: Asking & { place: string }) {
    const { signal } = deadline
    const { origin, pathname, search } = url
    const headers = { ...requestHeaders, ...(from && rangeHeaders(from)) }
    try {
      const answer = agent.request({ origin, path: pathname + search, method: 'GET', headers, signal })
      // undici does not heed the signal before it is connected.
      return await Promise.race([answer, deadline.passed])
    } catch (error) {
      signal.throwIfAborted()
      throw failureToAnswer(error, { place, limits })
    }
  }

  async function follow(start: URL, asking: Asking): Promise<{ answer: Dispatcher.ResponseData; place: string }> {
    let url = start
    let place = nameOf(start)
    for (let redirects = 0; ; redirects += 1) {
      if (url.username !== '' || url.password !== '') {
        throw new AppError('SourceRefused', `${place} has a user name or password in its URL. Remove it.`)
      }
      refuseExpired({ url, place, nowMs: now() })
      const answer = await ask(url, { place, ...asking })
      const { statusCode, statusText, headers } = answer
      if (statusCode === 200 || (asking.from !== undefined && RANGED.has(statusCode))) return { answer, place }

      discard(answer)
      if (!REDIRECTS.has(statusCode) || typeof headers.location !== 'string') {
        // It may have expired between the check and the answer.
        if (statusCode === 401 || statusCode === 403) refuseExpired({ url, place, nowMs: now() })
        throw statusFailure({
          place,
          statusCode,
          statusText,
          azureCode: headers['x-ms-error-code']?.toString(),
          retryAfter: headers['retry-after']?.toString(),
        })
      }
      const target = URL.parse(headers.location, url.href)
      if (redirects === LIMITS.redirectsMax || target === null || !isHttp(target)) {
        const mistake = redirects === LIMITS.redirectsMax ? `more than ${redirects} times` : 'to no http or https URL'
        throw new AppError('SourceRedirects', `${nameOf(start)} redirects ${mistake}. Use the final URL.`)
      }
      place = `${nameOf(target)} (redirected from ${nameOf(start)})`
      if (url.protocol === 'https:' && target.protocol === 'http:' && !policy.allowsHost(target)) {
        throw new AppError(
          'SourceRefused',
          `${place} is not fetched: the redirect leads from https to http. Use an https URL, or let the operator allow ` +
            `the host with --allow-source ${target.host}.`,
        )
      }
      url = target
    }
  }

  /** The answer with the rest of the file, or with all of it where the source cannot or will not send only the rest. */
  async function askForRest(url: URL, asking: Asking, sizeInBytes: number | undefined) {
    const { answer, place } = await follow(url, asking)
    const { from } = asking
    if (from === undefined || answer.statusCode === 200) return { answer, place, start: 0 }
    const isRest = sizeInBytes !== undefined && isRestOf(answer.headers, { from, sizeInBytes })
    if (answer.statusCode === 206 && isRest) {
      return { answer, place, start: from.position }
    }
    // It answers ranges wrongly, so it is not asked for one again.
    discard(answer)
    return { ...(await follow(url, { deadline: asking.deadline })), start: 0 }
  }

  return {
    async open(url, { sizeInBytes, signal, from, beganAt = performance.now() }): Promise<SourceBody> {
      signal.throwIfAborted()
      if (!isHttp(url)) {
        throw new AppError(
          'SourceRefused',
          `A URL that begins with "${url.protocol}" is not fetched. Use http or https.`,
        )
      }
      const lateError = () => tooLong(nameOf(url), limits)
      const totalMs = Math.max(0, limits.totalMs - (performance.now() - beganAt))
      const deadline = startDeadline({ signal, totalMs, lateError })
      try {
        const { answer, place, start } = await askForRest(url, { deadline, ...(from && { from }) }, sizeInBytes)
        const declared = answer.headers['content-length']
        if (declared !== undefined && sizeInBytes !== undefined && Number(declared) !== sizeInBytes - start) {
          discard(answer)
          throw new AppError(
            'SizeMismatch',
            start === 0
              ? `${place} has ${declared} bytes, but ${sizeInBytes} were stated. Check that the URL names the right file.`
              : `${place} has ${declared} bytes from byte ${start} on, but ${sizeInBytes - start} were left.`,
          )
        }
        answer.body.once('close', deadline.release)
        const bytes = readBody(answer.body, { place, start, sizeInBytes, limits, signal: deadline.signal })
        return Object.assign(bytes, {
          start,
          etag: strongEtag(answer.headers) ?? (start > 0 ? from?.etag : undefined),
          sizeInBytes: declared === undefined ? undefined : start + Number(declared),
          [Symbol.asyncDispose]: async () => discard(answer),
        })
      } catch (error) {
        deadline.release()
        throw error
      }
    },

    close: () => agent.destroy(),
  }
}

interface Asking {
  deadline: Deadline
  /** Where to go on; absent for the whole. */
  from?: SourcePosition
}

/** What a source may say to a request for a range: the part, or that there is none. */
const RANGED = new Set([206, 416])
/** What is beyond waits for its turn, so that one origin cannot use up the sockets of the process. */
const CONNECTIONS_PER_ORIGIN = 64
/** For an idle connection, also where the source asks for longer. */
const KEEP_ALIVE_MS = 4000
const REDIRECTS = new Set([301, 302, 303, 307, 308])

/** Ends the connection: to read a body for politeness is what a hostile source would wait for. */
function discard({ body }: Dispatcher.ResponseData): void {
  body.on('error', () => {}).destroy()
}

function isHttp(url: URL): boolean {
  return url.protocol === 'https:' || url.protocol === 'http:'
}
