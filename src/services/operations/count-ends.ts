import type { Metrics } from '../../ports/metrics.ts'
import { isDatabaseFailure, isLost } from './attempt-end.ts'
import type { WorkerOptions } from './worker.ts'

type Run = WorkerOptions['run']

/** The same work; its ends are counted. An attempt that was parked, interrupted by the database, or lost to another one, ended nothing. */
export function countEnds(run: Run, metrics: Metrics): Run {
  return async (operation, signal, log) => {
    const { kind } = operation.request
    try {
      await run(operation, signal, log)
    } catch (error) {
      if (!signal.aborted && !isLost(error) && !isDatabaseFailure(error))
        metrics.operationEnded({ kind, status: 'Failed' })
      throw error
    }
    metrics.operationEnded({ kind, status: 'Succeeded' })
  }
}
