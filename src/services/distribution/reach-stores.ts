import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '../../domain/errors.ts'
import type { BlobStore } from '../../ports/blob-store.ts'
import type { NamedStore } from '../../ports/distribution-store.ts'
import { copyToStore, type FileToCopy } from './copy-to-store.ts'

/** Pauses before a file is tried again. The import holds a worker's place meanwhile; whoever asked for it may ask again. */
const PAUSES_MS: readonly number[] = [1000, 5000, 15_000]

/**
 * Copies a file of an import to the stores that it must reach, one after another. Throws `AppError('DistributionFailed')` where one of
 * them does not take it after some tries, and the signal's reason.
 */
export async function reachStores(
  file: FileToCopy,
  {
    stores,
    blobs,
    signal,
    pausesMs = PAUSES_MS,
  }: {
    stores: readonly NamedStore[]
    blobs: BlobStore
    signal: AbortSignal
    /** In milliseconds. */
    pausesMs?: readonly number[] | undefined
  },
): Promise<void> {
  for (const { name, store } of stores) {
    for (let tries = 1; ; tries += 1) {
      try {
        await copyToStore(file, { store, blobs, signal })
        break
      } catch (error) {
        signal.throwIfAborted()
        const pauseMs = pausesMs[tries - 1]
        if (pauseMs === undefined) throw notReached(file.fileName, name, { tries, error })
        // Imports that failed together must not all come back together.
        await sleep(pauseMs * (0.5 + Math.random()), undefined, { signal })
      }
    }
  }
}

function notReached(fileName: string, store: string, { tries, error }: { tries: number; error: unknown }): AppError {
  const reason = error instanceof Error ? error.message : String(error)
  return new AppError(
    'DistributionFailed',
    `${JSON.stringify(fileName)} did not reach the distribution store ${store} in ${tries} tries, and this server publishes nothing ` +
      `that is not there: ${reason}`,
    { target: fileName, mayRecover: true, cause: error },
  )
}
