import type { Database } from '../../ports/database.ts'
import { freeOperation, listUnfinished, type UnfinishedOperation } from '../../store/inspect-operations.ts'
import type { Pen, Step } from './step.ts'

const PAGE_ROWS = 500
/** A worker looks every second. */
const LATE_MS = 60_000
/** Leases are renewed for seconds, pauses are minutes: what is due later than this was noted by a wrong clock. */
const FAR_AHEAD_MS = 3600 * 1000

/** Whether every operation that has not ended is in somebody's hands, or will be. A repair makes those that are stuck due at once. */
export function checkOperations(
  database: () => Database,
  { isServerRunning, isRepair }: { isServerRunning: boolean; isRepair: boolean },
): Step {
  async function examine(operation: UnfinishedOperation, why: string | undefined, pen: Pen): Promise<void> {
    if (why === undefined) return
    const { operationId, instance, kind, status } = operation
    const title = `Operation ${operationId} (${kind}, ${status}, instance ${instance}) is stuck: ${why}`
    if (isRepair) {
      await freeOperation(database(), operationId)
      pen.mended(`${title}. It goes on with the next start of the server.`, operationId)
    } else {
      pen.problem(`${title}. Stop the server and run "aduana doctor --repair".`, operationId)
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
        await examine(operation, reasonToBeStuck(operation, isServerRunning), pen)
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

function reasonToBeStuck({ status, dueForMs }: UnfinishedOperation, isServerRunning: boolean): string | undefined {
  if (dueForMs === undefined) return 'it has no time at which a worker would take it up'
  if (dueForMs < -FAR_AHEAD_MS) return `no worker takes it up for another ${Math.round(-dueForMs / 60_000)} minutes`
  if (isServerRunning && status === 'Running' && dueForMs > LATE_MS) {
    return `its worker has not been heard of for ${Math.round(dueForMs / 1000)} s, and no other took it up`
  }
  return undefined
}
