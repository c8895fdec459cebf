import { workerData } from 'node:worker_threads'
import { answerInGroups } from '../threads/answer-in-groups.ts'
import { type Connection, faultOf, type Outcome, openConnection, type Write } from './connection-sqlite.ts'

/** So that a group fits into the heap of this thread. */
const GROUP_CHARACTERS_MAX = 1024 * 1024

/** How soon the log is emptied, and how soon it is tried again. */
const LOG_KEPT_MS = 1000
const LOG_RETRY_MS = 100
/**
 * While more is written than this between two looks, the log is written over from its begin instead: a file that does not grow is flushed
 * in half the time (measured). But a page that was overwritten must not live on in it for long.
 */
const QUIET_GROUPS_MAX = 20
const LOG_KEPT_MS_MAX = 5_000

let connection: Connection | undefined
let looking: NodeJS.Timeout | undefined
let lookAt = 0
let emptyAt = 0
let groups = 0

answerInGroups<Write, Outcome>({
  weigh: charactersOf,
  weightMax: GROUP_CHARACTERS_MAX,
  answer: write,
  afterwards() {
    groups += 1
    // Under load timers come late.
    if (Date.now() >= lookAt) lookAfterLog()
  },
  end() {
    clearTimeout(looking)
    connection?.close()
  },
})

function write(group: readonly Write[]): Outcome[] {
  try {
    connection ??= openConnection(workerData)
  } catch (error) {
    const fault = faultOf(error)
    return group.map(() => ({ fault }))
  }
  return connection.write(group)
}

/** Left alone, the log keeps what was wiped from the pages until four megabytes were written, on a quiet server for ever. */
function lookAfterLog(): void {
  const isQuiet = groups <= QUIET_GROUPS_MAX
  groups = 0
  let pauseMs = LOG_KEPT_MS
  if (isQuiet || Date.now() >= emptyAt) {
    if (connection?.emptyLog() === false) pauseMs = LOG_RETRY_MS
    else emptyAt = Date.now() + LOG_KEPT_MS_MAX
  }
  lookAt = Date.now() + pauseMs
  clearTimeout(looking)
  looking = setTimeout(lookAfterLog, pauseMs)
}

function charactersOf(write: Write): number {
  const statements = 'query' in write ? [write.query] : write.batch
  return statements.reduce(
    (sum, { params = [] }) =>
      sum + params.reduce<number>((inside, value) => inside + (typeof value === 'string' ? value.length : 8), 0),
    0,
  )
}
