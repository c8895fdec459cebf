import { setTimeout as delay } from 'node:timers/promises'
import type { ApiClient } from '../../src/client/api-client.ts'
import type { ImportUpdateInput, Operation, OperationWithProgress } from '../../src/client/api-types.ts'

const POLL_MS = 10

/** Waits for the end at a pace that no server would ask of its clients, so that many tests take little time. */
export async function operationEnd(client: ApiClient, operationId: string, timeoutMs = 20_000): Promise<Operation> {
  for (const deadline = Date.now() + timeoutMs; ; await delay(POLL_MS)) {
    const operation = await client.getOperation(operationId)
    if (operation.status === 'Succeeded' || operation.status === 'Failed') return operation
    if (Date.now() > deadline) throw new Error(`Operation ${operationId} is ${operation.status} for ${timeoutMs} ms.`)
  }
}

/** Imports and waits for the end, whatever it is. */
export async function importAndWait(client: ApiClient, inputs: readonly ImportUpdateInput[]): Promise<Operation> {
  const { operationId } = await client.importUpdate(inputs)
  return operationEnd(client, operationId)
}

/** Checks and waits for the end, whatever it is. */
export async function checkAndWait(
  client: ApiClient,
  inputs: readonly ImportUpdateInput[],
  options?: { deep?: boolean },
): Promise<OperationWithProgress> {
  const { operationId } = await client.checkUpdate(inputs, options)
  return progressEnd(client, operationId)
}

/** As `operationEnd`, for an operation of any kind. */
export async function progressEnd(
  client: ApiClient,
  operationId: string,
  timeoutMs = 20_000,
): Promise<OperationWithProgress> {
  for (const deadline = Date.now() + timeoutMs; ; await delay(POLL_MS)) {
    const operation = await client.getProgress(operationId)
    if (operation.status === 'Succeeded' || operation.status === 'Failed') return operation
    if (Date.now() > deadline) throw new Error(`Operation ${operationId} is ${operation.status} for ${timeoutMs} ms.`)
  }
}

/** Tries until the condition holds. Throws when it does not in time. */
export async function eventually(what: string, holds: () => Promise<boolean> | boolean, timeoutMs = 30_000) {
  for (const deadline = Date.now() + timeoutMs; !(await holds()); await delay(POLL_MS)) {
    if (Date.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms.`)
  }
}
