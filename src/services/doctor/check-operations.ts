import type { Database } from '../../ports/database.ts'
import { freeOperation, listUnfinished, type UnfinishedOperation } from '../../store/operations/inspect-operations.ts'
import type { Pen, Step } from './step.ts'

const PAGE_ROWS = 500
/** A worker looks every second. */
const LATE_MS = 60_000
/** Leases are renewed for seconds, pauses are minutes: what is due later than this was noted by a wrong clock. */
const FAR_AHEAD_MS = 3600 * 1000

/** Whether every operation that has not ended is in somebody's hands, or will be. A repair makes those that are never due due at once. */
export function checkOperations(
  database: () => Database,
  {
    isServerRunning,
    isRepair,
    howToRepair,
  }: {
    /** One that runs operations. */
    isServerRunning: boolean
    isRepair: boolean
    /** As the begin of a sentence. */
    howToRepair: string
  },
): Step {
  async function examine(operation: UnfinishedOperation, pen: Pen): Promise<void> {
    const { operationId, instance, kind, status, dueForMs } = operation
    const title = `Operation ${operationId} (${kind}, ${status}, instance ${instance}) is stuck`
    const why = reasonNeverToBeDue(operation)
    if (why !== undefined) {
      const isFreed = isRepair && (await freeOperation(database(), { operationId, farAheadMs: FAR_AHEAD_MS }))
      if (isFreed) pen.mended(`${title}: ${why}. The next server that looks goes on with it.`, operationId)
      else if (!isRepair) pen.problem(`${title}: ${why}. ${howToRepair}.`, operationId)
    } else if (isServerRunning && status === 'Running' && (dueForMs ?? 0) > LATE_MS) {
      const seconds = Math.round((dueForMs ?? 0) / 1000)
      pen.problem(
        `${title}: its worker has not been heard of for ${seconds} s, and no other took it up. Look at the log of the server and restart it.`,
        operationId,
      )
    }
  }

  return {
    name: 'operations',
    title: 'Operations',
    needs: ['database', 'schema'],
    async run(pen) {
      let running = 0
      let waiting = 0
      let late = 0
      for await (const operation of unfinished(database())) {
        if (operation.status === 'Running' && (operation.dueForMs ?? 0) < 0) running += 1
        else waiting += 1
        if (isLate(operation)) late += 1
        await examine(operation, pen)
      }
      if (!isServerRunning && running + waiting > 0) {
        pen.note(`${running + waiting} operations go on with the next start of the server.`)
      }
      // With others at work they wait for a place; with nobody at work, nobody takes them up.
      if (isServerRunning && late > 0 && running === 0) {
        pen.problem(
          `${late} operations wait for more than a minute, and none is at work. Look at the log of the server and restart it.`,
        )
      }
      return `${running} operations are at work, ${waiting} wait.`
    },
  }
}

async function* unfinished(database: Database): AsyncIterable<UnfinishedOperation> {
  for (let after = ''; ; ) {
    const page = await listUnfinished(database, { after, limit: PAGE_ROWS })
    yield* page
    const last = page.at(-1)
    if (last === undefined) return
    after = last.operationId
  }
}

function isLate({ status, dueForMs }: UnfinishedOperation): boolean {
  return status === 'NotStarted' && dueForMs !== undefined && dueForMs > LATE_MS
}

function reasonNeverToBeDue({ dueForMs }: UnfinishedOperation): string | undefined {
  if (dueForMs === undefined) return 'it has no time at which a worker would take it up'
  if (dueForMs < -FAR_AHEAD_MS) return `no worker takes it up for another ${Math.round(-dueForMs / 60_000)} minutes`
  return undefined
}
