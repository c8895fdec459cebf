import { setTimeout as sleep } from 'node:timers/promises'
import { type ApiClient, createApiClient } from '../../src/client/api-client.ts'
import { ApiError } from '../../src/client/api-error.ts'
import { type MisbehavingSource, serveBytes } from '../support/misbehaving-source.ts'
import { operationEnd } from '../support/operation-end.ts'
import { paced } from '../support/paced.ts'
import { type PublishedUpdate, publishUpdate } from '../support/publish-update.ts'
import { seededBytes } from '../support/seeded-bytes.ts'
import type { Aduana } from '../support/start-aduana.ts'
import { innermostOf } from './innermost-of.ts'

/** What one request came to. */
export interface Answer {
  path: string
  status: number
  retryAfter: string | null
  /** Until the whole answer was there. */
  ms: number
}

/** Imports and requests that go on whatever happens to what is behind the server. */
export interface LoadThroughOutage extends AsyncDisposable {
  /** All of them so far. */
  answers: readonly Answer[]
  /** How many imports were answered with 202 so far. */
  accepted(): number
  /** How many of them failed as they may. */
  failed(): number
  /** Requests that came to no answer, and imports that failed as they must not. */
  wrong: readonly string[]
  /** Asks for nothing more, waits until every import that was accepted has ended, and reads each byte of those. */
  end(): Promise<void>
}

const IMPORT_EVERY_MS = 400
const ASK_EVERY_MS = 100
/** Longer than a lease, what an attempt waits for its database, and the import itself. */
const END_MS_MAX = 90_000

let number = 0

/** Begins with an import that has ended, so that there is something to read. */
export async function loadThroughOutage({
  source,
  node,
  answerMsMax = 20_000,
  mayFailBy,
}: {
  source: MisbehavingSource
  node: Aduana
  /** Nobody should be kept waiting for longer. */
  answerMsMax?: number
  /** The innermost code of imports that may fail. */
  mayFailBy?: string | undefined
}): Promise<LoadThroughOutage> {
  const answers: Answer[] = []
  const wrong: string[] = []
  let failed = 0
  const accepted: { operationId: string; update: PublishedUpdate }[] = []
  const stopping = new AbortController()
  const { signal } = stopping

  async function ask(input: string | URL | Request, init?: RequestInit): Promise<Response> {
    const begin = performance.now()
    const path = new URL(input instanceof Request ? input.url : input).pathname
    try {
      const response = await fetch(input, { ...init, signal: AbortSignal.timeout(answerMsMax) })
      const { status, headers } = response
      const body = await response.arrayBuffer()
      const ms = performance.now() - begin
      answers.push({ path, status, retryAfter: headers.get('retry-after'), ms })
      return new Response(body, { status, headers })
    } catch (error) {
      const { message, cause } = error as Error
      wrong.push(`${path} got no answer: ${message} ${cause ?? ''} after ${Math.round(performance.now() - begin)} ms`)
      throw error
    }
  }
  const client: ApiClient = createApiClient({
    baseUrl: node.httpUrl,
    token: await node.token(),
    instance: 'default',
    dialect: '2022',
    fetch: ask,
  })

  function publish(): PublishedUpdate {
    number += 1
    const files = ['a', 'b'].map((name) => {
      const bytes = seededBytes(`outage ${number} ${name}`, 400_000)
      return { name, bytes, behaviour: paced(serveBytes(bytes), { bodyMs: 1500 }) }
    })
    return publishUpdate(source, { files })
  }

  async function importOne(): Promise<void> {
    const update = publish()
    const { operationId } = await client.importUpdate([update.input])
    accepted.push({ operationId, update })
  }

  const filesOf = async ({ updateId }: PublishedUpdate) => (await client.getUpdateWithContent(updateId)).files

  async function read({ payloads }: PublishedUpdate, files: readonly { fileName: string; contentUrl: string }[]) {
    for (const { fileName, contentUrl } of files) {
      const response = await ask(contentUrl)
      if (response.status === 503) continue
      const bytes = Buffer.from(await response.arrayBuffer())
      if (!bytes.equals(payloads.get(fileName) ?? Buffer.of())) wrong.push(`${contentUrl} has other bytes`)
    }
  }

  /** What is answered with an error is among the answers, and what is not has been found wrong. */
  async function again(everyMs: number, round: () => Promise<unknown>): Promise<void> {
    while (!signal.aborted) {
      await round().catch((error) => {
        if (!(error instanceof ApiError) && !(error instanceof DOMException) && !(error instanceof TypeError))
          throw error
      })
      await sleep(everyMs)
    }
  }

  await importOne()
  const [first] = accepted
  if (first === undefined) throw new Error('The first import was not accepted.')
  await operationEnd(client, first.operationId)
  const files = await filesOf(first.update)
  const lanes = [
    again(IMPORT_EVERY_MS, importOne),
    again(ASK_EVERY_MS, () => ask(`${node.httpUrl}/readyz`)),
    again(ASK_EVERY_MS, () => client.getOperation(first.operationId)),
    again(ASK_EVERY_MS, () => Array.fromAsync(client.listProviders())),
    again(ASK_EVERY_MS, () => filesOf(first.update)),
    again(ASK_EVERY_MS, () => read(first.update, files)),
  ]

  async function stop(): Promise<void> {
    stopping.abort()
    await Promise.all(lanes)
  }
  return {
    answers,
    accepted: () => accepted.length,
    failed: () => failed,
    wrong,
    async end() {
      await stop()
      for (const { operationId, update } of accepted) {
        const operation = await operationEnd(client, operationId, END_MS_MAX)
        if (operation.status === 'Succeeded') await read(update, await filesOf(update))
        else if (innermostOf(operation).code === mayFailBy) failed += 1
        else wrong.push(`${operationId} failed: ${JSON.stringify(operation.error)}`)
      }
    },
    [Symbol.asyncDispose]: stop,
  }
}
