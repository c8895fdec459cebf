import type { UpdateId } from '../domain/update-id.ts'
import { readApiError } from './api-error.ts'
import type {
  AcceptedOperation,
  AuditRecord,
  DeadLetter,
  Dialect,
  Distribution,
  ImportUpdateInput,
  Operation,
  OperationSummary,
  OperationWithProgress,
  Page,
  Rescan,
  StagedFile,
  Update,
  UpdateFile,
  UpdateWithContent,
  Usage,
  WatchedEvent,
  Webhook,
  WebhookInput,
} from './api-types.ts'
import { pause } from './pause.ts'
import { type ReadingEvents, readEvents } from './read-events.ts'

export interface ApiClientOptions {
  /** Scheme, host and port of the server, such as `http://127.0.0.1:8480`. */
  baseUrl: string
  /** What is sent with every request; a function is asked each time, since tokens end. */
  token: string | (() => string | Promise<string>)
  instance: string
  dialect: Dialect
  /** For a server whose certificate needs a CA of its own, or for tests. */
  fetch?: typeof globalThis.fetch
}

/**
 * The import half of the REST API in one dialect. Every method throws `ApiError` for an answer that is not a success. Lists
 * follow `nextLink` to their end; leaving the iteration early asks for no further page.
 */
export interface ApiClient {
  /** A parent with its children, or single updates, as one operation. The v2 dialect takes exactly one input. */
  importUpdate(inputs: readonly ImportUpdateInput[]): Promise<AcceptedOperation>
  deleteUpdate(updateId: UpdateId): Promise<AcceptedOperation>
  getOperation(operationId: string): Promise<Operation>
  /**
   * Polls at the pace of `Retry-After` until the operation has ended, and answers it: `Failed` is an answer too. Throws a
   * plain `Error` if it has not ended after `timeoutMs` (30 minutes unless told). `onPoll` sees every state, the last too.
   */
  waitForOperation(operationId: string, options?: WaitOptions): Promise<Operation>
  getUpdate(updateId: UpdateId): Promise<Update>
  getFile(file: { updateId: UpdateId; fileId: string }): Promise<UpdateFile>
  listProviders(): AsyncIterable<string>
  listNames(provider: string): AsyncIterable<string>
  /** `filter` as in `isDeployable eq false`. */
  listVersions(of: { provider: string; name: string; filter?: string }): AsyncIterable<string>
  /** The ids of the files. */
  listFiles(updateId: UpdateId): AsyncIterable<string>
  /** `top` is the size of a page. */
  listOperations(options?: { filter?: string; top?: number }): AsyncIterable<Operation>
  /** Not part of the published v2 API. */
  listUpdates(options?: { search?: string; filter?: string }): AsyncIterable<Update>
  /** The update with the addresses of its files: Aduana's own addition, the same in every dialect. */
  getUpdateWithContent(updateId: UpdateId): Promise<UpdateWithContent>
  /**
   * Judges an import and keeps nothing of it; where `deep`, every byte is read, compared and scanned. How it ends `waitForProgress` says.
   * Aduana's own addition, as are the next.
   */
  checkUpdate(inputs: readonly ImportUpdateInput[], options?: { deep?: boolean }): Promise<AcceptedOperation>
  /** Any operation, also a check, with how far it is. */
  getProgress(operationId: string): Promise<OperationWithProgress>
  /** As `waitForOperation`, for any operation. */
  waitForProgress(operationId: string, options?: WaitOptions<OperationWithProgress>): Promise<OperationWithProgress>
  /**
   * Asks that what the instance has is scanned for malware again: only what has no verdict of the signatures now in force, unless
   * `everything`.
   */
  startRescan(options?: { everything?: boolean }): Promise<Rescan>
  getRescan(): Promise<Rescan>
  /** Operations of every kind, newest first, with their progress: Aduana's own addition. `top` is the length of the whole list. */
  listAllOperations(options?: OperationsQuery): AsyncIterable<OperationSummary>
  /**
   * Every state of an operation as it comes, with its progress, to its end: the last one is `Succeeded` or `Failed`. A
   * connection that breaks is made again. Aduana's own addition.
   */
  watchOperation(operationId: string, options?: ReadingEvents): AsyncIterable<OperationWithProgress>
  /**
   * What happens in the instance, as it happens: events with an id are told in their order and at least once, also
   * those of the time in which the connection was broken. `lastEventId` goes on behind that event; "0" is all that is
   * kept. Aduana's own addition.
   */
  watchEvents(options?: ReadingEvents & { lastEventId?: string }): AsyncIterable<WatchedEvent>
  /**
   * Makes a webhook or changes it. Where the server makes its secret, only this answer has it. Aduana's own addition,
   * as are the next five; they need an administrator's token.
   */
  setWebhook(name: string, webhook: WebhookInput): Promise<Webhook>
  getWebhook(name: string): Promise<Webhook>
  listWebhooks(): AsyncIterable<Webhook>
  deleteWebhook(name: string): Promise<void>
  /** Events that it could not be told of, the newest first. */
  listWebhookFailures(name: string): AsyncIterable<DeadLetter>
  /** Has one of those tried again. */
  retryWebhookFailure(name: string, eventId: string): Promise<void>
  /** How the distribution stores stand: Aduana's own addition. */
  getDistribution(): Promise<Distribution>
  /**
   * What the caller has uploaded to be imported, newest first: Aduana's own addition, as is the next. The uploading itself is done by any
   * client for tus 1.0.0, at `stagingUrl`.
   */
  listStaged(): AsyncIterable<StagedFile>
  deleteStaged(id: string): Promise<void>
  /** Where uploads begin: the `endpoint` of a client for tus. */
  readonly stagingUrl: string
  /** The import manifest to the letter, and what the updates of the instance take: Aduana's own additions. */
  getImportManifest(updateId: UpdateId): Promise<string>
  getUsage(): Promise<Usage>
  /** The lists again, page by page, for whoever shows them to people. */
  pages: ListPages
}

export interface OperationsQuery {
  status?: readonly Operation['status'][]
  kind?: readonly OperationSummary['kind'][]
  top?: number
}

/** What is about this operation, or about this thing, such as `Contoso/Toaster/1.0`. */
export interface AuditQuery {
  operation?: string
  target?: string
}

export interface ListPages {
  providers(): Promise<Page<string>>
  names(provider: string): Promise<Page<string>>
  versions(of: { provider: string; name: string; filter?: string | undefined }): Promise<Page<string>>
  /** A page of a search may be empty and still have a next one. */
  updates(options?: { search?: string | undefined; filter?: string | undefined }): Promise<Page<Update>>
  operations(options?: OperationsQuery): Promise<Page<OperationSummary>>
  audit(options?: AuditQuery): Promise<Page<AuditRecord>>
  /** The page after one that has a `nextLink`. */
  next<T>(page: Page<T>): Promise<Page<T>>
}

export interface WaitOptions<State = Operation> {
  timeoutMs?: number
  onPoll?: (operation: State) => void
}

const DIALECTS = {
  v2: {
    service: 'deviceupdate',
    version: '/v2',
    apiVersion: undefined,
    optionPrefix: '$',
    importVerb: '?action=import',
  },
  '2021': {
    service: 'deviceupdate',
    version: '',
    apiVersion: '2021-06-01-preview',
    optionPrefix: '$',
    importVerb: '?action=import',
  },
  '2022': { service: 'deviceUpdate', version: '', apiVersion: '2022-10-01', optionPrefix: '', importVerb: ':import' },
}

const TUS = { 'tus-resumable': '1.0.0' }

const POLL_MS = 1_000
const WAIT_MS = 30 * 60_000

/** A client for one instance of one server. It sends nothing until a method is called. */
export function createApiClient({
  baseUrl,
  token,
  instance,
  dialect,
  fetch = globalThis.fetch,
}: ApiClientOptions): ApiClient {
  const { service, version, apiVersion, optionPrefix, importVerb } = DIALECTS[dialect]
  const updates = `/${service}/${instance}${version}/updates`
  const additions = `/aduana/v1/${instance}`

  /** The path and query of something below `updates`. Spaces become %20, as official clients send them, not `+`. */
  function address(rest: string, options: Record<string, string | number | undefined> = {}): string {
    const query = Object.entries(options)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `${optionPrefix}${name}=${encodeURIComponent(String(value))}`)
    if (apiVersion !== undefined) query.push(`api-version=${apiVersion}`)
    if (query.length === 0) return `${updates}${rest}`
    return `${updates}${rest}${rest.includes('?') ? '&' : '?'}${query.join('&')}`
  }

  async function send(
    path: string,
    {
      method = 'GET',
      body,
      headers = {},
      signal,
    }: {
      method?: string
      body?: unknown
      headers?: Record<string, string>
      signal?: AbortSignal | undefined
    } = {},
  ): Promise<Response> {
    const url = new URL(path, baseUrl)
    // A link in an answer decides where the token goes next.
    if (url.origin !== new URL(baseUrl).origin)
      throw new Error(`The server sent a link to another server, ${url.origin}.`)
    const response = await fetch(url, {
      method,
      headers: {
        accept: 'application/json',
        authorization: `Bearer ${typeof token === 'string' ? token : await token()}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(signal !== undefined && { signal }),
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    if (!response.ok) throw await readApiError(response)
    return response
  }

  async function get<T>(path: string): Promise<T> {
    return (await (await send(path)).json()) as T
  }

  async function* list<T>(path: string): AsyncGenerator<T> {
    let next: string | undefined = path
    while (next !== undefined) {
      const page: Page<T> = await get(next)
      yield* page.value
      next = page.nextLink
    }
  }

  async function accepted(answer: Promise<Response>): Promise<AcceptedOperation> {
    const operationLocation = (await answer).headers.get('operation-location')
    if (operationLocation === null) throw new Error('The server accepted the request without an Operation-Location.')
    const operationId = new URL(operationLocation, baseUrl).pathname.split('/').at(-1) as string
    return { operationId, operationLocation }
  }

  async function waitForEnd<State extends Pick<Operation, 'operationId' | 'status'>>(
    path: string,
    { timeoutMs = WAIT_MS, onPoll }: WaitOptions<State> = {},
  ): Promise<State> {
    const deadline = performance.now() + timeoutMs
    for (;;) {
      const response = await send(path)
      const operation = (await response.json()) as State
      onPoll?.(operation)
      const { operationId, status } = operation
      if (status === 'Succeeded' || status === 'Failed') return operation
      const leftMs = deadline - performance.now()
      if (leftMs <= 0) throw new Error(`Operation ${operationId} is still ${status} after ${timeoutMs} ms.`)
      await pause(Math.min(retryAfterMs(response), leftMs))
    }
  }

  const progressPath = (operationId: string) => `${additions}/operations/${encodeURIComponent(operationId)}`
  const operationPath = (operationId: string) => address(`/operations/${encodeURIComponent(operationId)}`)
  const lists = {
    providers: () => address('/providers'),
    names: (provider: string) => address(`/providers/${encodeURIComponent(provider)}/names`),
    versions: ({ provider, name, filter }: { provider: string; name: string; filter?: string | undefined }) =>
      address(`/providers/${encodeURIComponent(provider)}/names/${encodeURIComponent(name)}/versions`, { filter }),
    updates: ({ search, filter }: { search?: string | undefined; filter?: string | undefined } = {}) =>
      address('', { search, filter }),
    operations({ status, kind, top }: OperationsQuery = {}) {
      const query = new URLSearchParams()
      if (status !== undefined) query.set('status', status.join(','))
      if (kind !== undefined) query.set('kind', kind.join(','))
      if (top !== undefined) query.set('top', String(top))
      return `${additions}/operations?${query}`
    },
  }

  const webhookPath = (name: string) => `${additions}/webhooks/${encodeURIComponent(name)}`

  return {
    async importUpdate(inputs) {
      if (dialect === 'v2' && inputs.length !== 1)
        throw new RangeError('The v2 dialect imports one update per request.')
      return accepted(send(address(importVerb), { method: 'POST', body: dialect === 'v2' ? inputs[0] : inputs }))
    },
    deleteUpdate: (updateId) => accepted(send(address(updatePath(updateId)), { method: 'DELETE' })),
    getOperation: (operationId) => get(operationPath(operationId)),
    waitForOperation: (operationId, options) => waitForEnd<Operation>(operationPath(operationId), options),
    getUpdate: (updateId) => get(address(updatePath(updateId))),
    getFile: ({ updateId, fileId }) => get(address(`${updatePath(updateId)}/files/${encodeURIComponent(fileId)}`)),
    listProviders: () => list(lists.providers()),
    listNames: (provider) => list(lists.names(provider)),
    listVersions: (of) => list(lists.versions(of)),
    listFiles: (updateId) => list(address(`${updatePath(updateId)}/files`)),
    listOperations: ({ filter, top } = {}) => list(address('/operations', { filter, top })),
    listUpdates: (options) => list(lists.updates(options)),
    getUpdateWithContent: (updateId) => get(`${additions}/updates${updatePath(updateId)}`),
    checkUpdate: (inputs, { deep = false } = {}) =>
      accepted(send(`${additions}/updates:check?deep=${deep}`, { method: 'POST', body: inputs })),
    getProgress: (operationId) => get(progressPath(operationId)),
    waitForProgress: (operationId, options) => waitForEnd<OperationWithProgress>(progressPath(operationId), options),
    async startRescan({ everything = false } = {}) {
      const response = await send(`${additions}/rescan`, { method: 'POST', body: { everything } })
      return (await response.json()) as Rescan
    },
    getRescan: () => get(`${additions}/rescan`),
    listAllOperations: (options) => list(lists.operations(options)),
    async *watchOperation(operationId, options = {}) {
      const path = `${additions}/operations/${encodeURIComponent(operationId)}/events`
      const open = (_last: string | undefined, signal: AbortSignal | undefined) =>
        send(path, { headers: { accept: 'text/event-stream' }, signal })
      for await (const { data } of readEvents(open, options)) {
        const operation = JSON.parse(data) as OperationWithProgress
        yield operation
        if (operation.status === 'Succeeded' || operation.status === 'Failed') return
      }
    },
    async *watchEvents(options = {}) {
      const open = (last: string | undefined, signal: AbortSignal | undefined) =>
        send(`${additions}/events`, {
          headers: { accept: 'text/event-stream', ...(last !== undefined && { 'last-event-id': last }) },
          signal,
        })
      for await (const { event = 'message', id, data } of readEvents(open, options)) {
        yield { event, ...(id !== undefined && { id }), data: JSON.parse(data) }
      }
    },
    setWebhook: async (name, webhook) =>
      (await send(webhookPath(name), { method: 'PUT', body: webhook })).json() as Promise<Webhook>,
    getWebhook: (name) => get(webhookPath(name)),
    listWebhooks: () => list(`${additions}/webhooks`),
    async deleteWebhook(name) {
      await send(webhookPath(name), { method: 'DELETE' })
    },
    listWebhookFailures: (name) => list(`${webhookPath(name)}/failures`),
    async retryWebhookFailure(name, eventId) {
      await send(`${webhookPath(name)}/failures/${encodeURIComponent(eventId)}:retry`, { method: 'POST' })
    },
    getDistribution: () => get(`${additions}/distribution`),
    listStaged: () => list(`${additions}/staging`),
    async deleteStaged(id) {
      await send(`${additions}/staging/${encodeURIComponent(id)}`, { method: 'DELETE', headers: TUS })
    },
    stagingUrl: new URL(`${additions}/staging`, baseUrl).href,
    getImportManifest: async (updateId) =>
      await (await send(`${additions}/updates${updatePath(updateId)}/manifest`)).text(),
    getUsage: () => get(`${additions}/usage`),
    pages: {
      providers: () => get(lists.providers()),
      names: (provider) => get(lists.names(provider)),
      versions: (of) => get(lists.versions(of)),
      updates: (options) => get(lists.updates(options)),
      operations: (options) => get(lists.operations(options)),
      audit: ({ operation, target } = {}) =>
        get(
          `${additions}/audit?${new URLSearchParams({ ...(operation && { operation }), ...(target && { target }) })}`,
        ),
      async next({ nextLink }) {
        if (nextLink === undefined) throw new RangeError('This was the last page.')
        return await get(nextLink)
      },
    },
  }
}

function updatePath({ provider, name, version }: UpdateId): string {
  const [p, n, v] = [provider, name, version].map(encodeURIComponent)
  return `/providers/${p}/names/${n}/versions/${v}`
}

/** `Retry-After` as seconds or a date; a second where it is missing, so that polling never becomes a busy loop. */
function retryAfterMs(response: Response): number {
  const text = response.headers.get('retry-after') ?? ''
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now()
  return Number.isNaN(ms) ? POLL_MS : Math.max(ms, 0)
}
