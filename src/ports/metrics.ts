import type { OperationKind } from '../domain/operation.ts'
import type { Verdict } from '../domain/verdict.ts'

/**
 * What happens in the server, to be counted. Nothing here waits, throws or can fail what it counts. Names of tenants, updates, files and
 * callers are never told: whoever reads metrics need not see any of them, and a series for each would have no bound.
 */
export interface Metrics {
  /** A request was answered to its end. */
  requestAnswered(request: {
    /** The template of the path, never the path itself; empty where there is none at that path. */
    route: string
    method: string
    status: number
    /** The generation of the API that the caller speaks; empty where it makes no difference or is not known yet. */
    dialect: string
    seconds: number
  }): void
  /** A download ended: with every byte that was asked for, or cut off by either side. */
  downloadEnded(download: { bytes: number; isComplete: boolean }): void
  /** A connection was turned away, since the listener had as many as it may. */
  connectionRefused(listener: string): void
  /** An attempt ended its operation. */
  operationEnded(operation: { kind: OperationKind; status: 'Succeeded' | 'Failed' }): void
  /** Bytes were handed to the store, or flushed by it, which took `seconds`. */
  storeWritten(written: { bytes: number; seconds: number }): void
  /** A blob is durable and has its name. */
  blobStored(sizeInBytes: number): void
  /** A scan ended with a verdict, `seconds` after it began. */
  scanEnded(scan: { verdict: Verdict['kind']; seconds: number }): void
  /** A try at a copy for a distribution store ended. It has no bytes where the store had them already, or where it failed. */
  copyEnded(copy: { store: string; outcome: 'copied' | 'failed'; bytes: number }): void
  /** A try at telling a webhook ended. */
  webhookTried(outcome: 'delivered' | 'failed' | 'given-up'): void
}

/** What was counted, for whoever asks over http. */
export interface MetricsPage {
  contentType: string
  /** Asks everything that is counted only when somebody wants to know, and writes it all down. */
  text(): Promise<string>
}
