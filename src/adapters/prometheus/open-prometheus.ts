import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { COPY_STATES, type CopyState } from '../../domain/distribution.ts'
import { OPERATION_KINDS, type OperationKind, type OperationStatus } from '../../domain/operation.ts'
import type { Verdict } from '../../domain/verdict.ts'
import type { Metrics, MetricsPage } from '../../ports/metrics.ts'
import { registerRequestDurations } from './request-durations.ts'

/** What is asked for when somebody looks, rather than counted on the way. */
export interface Readings {
  operations(): Promise<readonly { kind: OperationKind; status: OperationStatus; count: number; oldestAgeMs: number }[]>
  /** Open connections by listener. */
  connections(): Promise<ReadonlyMap<string, number>>
  /** How the distribution stores stand that are configured. */
  distribution(): Promise<readonly StoreReading[]>
  /** Events that have happened and were not told yet, since they have no number. */
  events(): Promise<{ count: number; oldestAgeMs: number }>
  /** Events that webhooks are still to be told of, and those that were given up. */
  webhooks(): Promise<{ waiting: number; failed: number }>
}

export interface StoreReading {
  store: string
  copies: Readonly<Record<CopyState, number>>
  /** Of the copy that waits longest; 0 where none waits. */
  oldestWaitingMs: number
  /** Since the last check of the store ended; absent before the first. */
  checkAgeMs?: number
}

/** From a read out of the cache to one that somebody notices. */
const REQUEST_SECONDS = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10]
const VERDICTS: readonly Verdict['kind'][] = ['Clean', 'Infected', 'NotScanned']
/** From a few bytes to gigabytes. */
const SCAN_SECONDS = [0.1, 1, 10, 60, 300]

/** Counts for Prometheus, in a registry of its own: two servers in one process do not add up. */
export function openPrometheus({ version }: { version: string }): {
  metrics: Metrics
  page(readings: Readings): MetricsPage
} {
  const registers = [new Registry()]
  const [registry] = registers as [Registry]
  collectDefaultMetrics({ register: registry })

  const observeRequest = registerRequestDurations(registry, {
    name: 'aduana_http_request_duration_seconds',
    help: 'Requests that were answered, and how long that took.',
    buckets: REQUEST_SECONDS,
  })
  const refused = counter('aduana_http_connections_refused_total', 'Connections beyond the limit.', ['listener'])
  const downloads = counter('aduana_downloads_total', 'Downloads of content that ended.', ['outcome'])
  const downloaded = counter('aduana_downloaded_bytes_total', 'Bytes sent for downloads of content.')
  const ended = counter('aduana_operations_ended_total', 'Operations that ended, by how.', ['kind', 'status'])
  const written = counter('aduana_store_written_bytes_total', 'Bytes written to the store, kept or not.')
  const writing = counter('aduana_store_write_seconds_total', 'Time in which the store was writing and flushing.')
  const blobs = counter('aduana_blobs_stored_total', 'Files that were stored, durable and checked.')
  const stored = counter('aduana_stored_bytes_total', 'Their bytes.')
  const scans = new Histogram({
    name: 'aduana_scan_duration_seconds',
    help: 'Scans for malware that ended, by verdict, with the time the bytes took to come.',
    labelNames: ['verdict'],
    buckets: SCAN_SECONDS,
    registers,
  })
  gauge('aduana_info', 'Constantly 1; the version is in the label.', ['version']).set({ version }, 1)
  const connections = gauge('aduana_http_connections', 'Open connections.', ['listener'])
  const databaseUp = gauge('aduana_database_up', '1 where the database answered this page, else 0.', [])
  const operations = gauge('aduana_operations', 'Operations that have not ended.', ['kind', 'status'])
  const oldest = gauge(
    'aduana_operations_oldest_age_seconds',
    'How long ago the oldest operation that has not ended was asked for; absent where there is none.',
    ['kind', 'status'],
  )
  const copies = counter('aduana_distribution_copies_total', 'Tries at copies for distribution stores that ended.', [
    'store',
    'outcome',
  ])
  const copied = counter('aduana_distribution_copied_bytes_total', 'Bytes copied to distribution stores.', ['store'])
  const distributed = gauge('aduana_distribution_files', 'Files at distribution stores, by how far they are there.', [
    'store',
    'state',
  ])
  const lag = gauge(
    'aduana_distribution_lag_seconds',
    'How long the file that waits longest has been waiting to be copied; 0 where none waits.',
    ['store'],
  )
  const checkAge = gauge(
    'aduana_distribution_check_age_seconds',
    'How long ago the last check of the store came to its end; absent before the first.',
    ['store'],
  )
  const waitingEvents = gauge('aduana_events_waiting', 'Events that have happened and are not told yet.', [])
  const eventLag = gauge(
    'aduana_events_lag_seconds',
    'How long the oldest event that is not told yet has been waiting; 0 where none waits.',
    [],
  )
  const tried = counter('aduana_webhook_deliveries_total', 'Tries at telling webhooks, by how they ended.', ['outcome'])
  const deliveries = gauge(
    'aduana_webhook_deliveries',
    'Events that webhooks are still to be told of, and those that were given up.',
    ['state'],
  )
  for (const outcome of ['delivered', 'failed', 'given-up']) tried.inc({ outcome }, 0)
  // What has not happened yet is 0, not absent: a rate needs the step from 0 to 1.
  for (const kind of OPERATION_KINDS) {
    for (const status of ['Succeeded', 'Failed']) ended.inc({ kind, status }, 0)
  }
  for (const outcome of ['complete', 'broken']) downloads.inc({ outcome }, 0)
  for (const verdict of VERDICTS) scans.zero({ verdict })

  function counter<Label extends string = never>(name: string, help: string, labelNames: Label[] = []): Counter<Label> {
    return new Counter({ name, help, labelNames, registers })
  }

  function gauge<Label extends string>(name: string, help: string, labelNames: Label[]): Gauge<Label> {
    return new Gauge({ name, help, labelNames, registers })
  }

  async function ask(readings: Readings): Promise<void> {
    for (const [listener, count] of await readings.connections()) connections.set({ listener }, count)
    operations.reset()
    oldest.reset()
    for (const kind of OPERATION_KINDS) {
      for (const status of ['NotStarted', 'Running']) operations.set({ kind, status }, 0)
    }
    for (const byStore of [distributed, lag, checkAge]) byStore.reset()
    for (const reading of await readings.distribution().catch(() => [])) setStore(reading)
    const webhooks = await readings.webhooks().catch(() => undefined)
    deliveries.set({ state: 'waiting' }, webhooks?.waiting ?? Number.NaN)
    deliveries.set({ state: 'failed' }, webhooks?.failed ?? Number.NaN)
    const waiting = await readings.events().catch(() => undefined)
    waitingEvents.set(waiting?.count ?? Number.NaN)
    eventLag.set((waiting?.oldestAgeMs ?? Number.NaN) / 1000)
    const found = await readings.operations().catch(() => undefined)
    databaseUp.set(found === undefined ? 0 : 1)
    // Without an answer nothing is known, which is not the same as none.
    if (found === undefined) operations.reset()
    for (const { kind, status, count, oldestAgeMs } of found ?? []) {
      operations.set({ kind, status }, count)
      oldest.set({ kind, status }, oldestAgeMs / 1000)
    }
  }

  function setStore({ store, copies: counts, oldestWaitingMs, checkAgeMs }: StoreReading): void {
    for (const outcome of ['copied', 'failed']) copies.inc({ store, outcome }, 0)
    copied.inc({ store }, 0)
    for (const state of COPY_STATES) distributed.set({ store, state }, counts[state])
    lag.set({ store }, oldestWaitingMs / 1000)
    if (checkAgeMs !== undefined) checkAge.set({ store }, checkAgeMs / 1000)
  }

  return {
    metrics: {
      requestAnswered({ route, method, status, dialect, seconds }) {
        observeRequest({ route, method, status: STATUS_CLASSES[Math.floor(status / 100)] ?? '', dialect }, seconds)
      },
      downloadEnded({ bytes, isComplete }) {
        downloads.inc({ outcome: isComplete ? 'complete' : 'broken' })
        downloaded.inc(bytes)
      },
      connectionRefused: (listener) => refused.inc({ listener }),
      webhookTried: (outcome) => tried.inc({ outcome }),
      operationEnded: ({ kind, status }) => ended.inc({ kind, status }),
      storeWritten({ bytes, seconds }) {
        written.inc(bytes)
        writing.inc(seconds)
      },
      blobStored(sizeInBytes) {
        blobs.inc()
        stored.inc(sizeInBytes)
      },
      scanEnded: ({ verdict, seconds }) => scans.observe({ verdict }, seconds),
      copyEnded({ store, outcome, bytes }) {
        copies.inc({ store, outcome })
        copied.inc({ store }, bytes)
      },
    },
    page: (readings) => ({
      contentType: registry.contentType,
      async text() {
        await ask(readings)
        return registry.metrics()
      },
    }),
  }
}

const STATUS_CLASSES = ['', '1xx', '2xx', '3xx', '4xx', '5xx']
