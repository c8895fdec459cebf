import { setTimeout as sleep } from 'node:timers/promises'
import type { ApiClient } from '../../client/api-client.ts'
import { ApiError } from '../../client/api-error.ts'
import type { OperationWithProgress } from '../../client/api-types.ts'

/** How long a server may be away before nobody waits for it any more: a restart, an upgrade, a node that takes over. */
const PATIENCE_MS = 10 * 60_000
const POLL_MS = 500

export interface FollowOptions {
  signal: AbortSignal
  /** Sees every state, the last too. */
  onState: (operation: OperationWithProgress) => void
  /** Hears that the server does not answer, or broke off; it is asked again. */
  onTrouble: (error: Error) => void
}

/**
 * Follows an operation to its end and answers it: `Failed` is an answer too. The server tells each change as it happens; where something
 * on the way lets no events through, it is asked again and again. Throws what the server says against it (`ApiError`), the last trouble
 * after ten minutes of it, and the reason of `signal`.
 */
export async function followOperation(
  client: Pick<ApiClient, 'getProgress' | 'watchOperation'>,
  operationId: string,
  { signal, onState, onTrouble }: FollowOptions,
): Promise<OperationWithProgress> {
  try {
    for await (const operation of client.watchOperation(operationId, { signal, giveUpMs: PATIENCE_MS, onTrouble })) {
      onState(operation)
      if (hasEnded(operation)) return operation
    }
  } catch (error) {
    // An older server has no events; one that does not know the operation says so again.
    if (!(error instanceof ApiError) || error.status !== 404) throw error
  }
  for (;;) {
    signal.throwIfAborted()
    const operation = await client.getProgress(operationId)
    onState(operation)
    if (hasEnded(operation)) return operation
    await sleep(POLL_MS, undefined, { signal })
  }
}

function hasEnded({ status }: OperationWithProgress): boolean {
  return status === 'Succeeded' || status === 'Failed'
}
