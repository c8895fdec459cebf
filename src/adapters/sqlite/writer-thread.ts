import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { type Connection, faultOf, type Outcome, openConnection, type Write } from './connection-sqlite.ts'

/** What the main thread asks for: writes, answered in their order by `Outcome[]`, and at last the end. */
export type WriterRequest = Write | 'end'

/** How many writes share a commit. More would let the first wait for long, and win little. */
const GROUP_MAX = 64
/** The same bound for large ones, so that a group fits into the heap of this thread. */
const GROUP_CHARACTERS_MAX = 1024 * 1024

/** How long a page that was overwritten may live on in the write-ahead log, and how soon emptying it is tried again. */
const LOG_KEPT_MS = 1000
const LOG_RETRY_MS = 100

const port = parentPort
if (port === null) throw new Error('This program runs in a thread.')

let connection: Connection | undefined
let emptying: NodeJS.Timeout | undefined
let logDueAt = 0

port.on('message', (first: WriterRequest) => {
  const group: Write[] = []
  let characters = 0
  let request: WriterRequest | undefined = first
  // Whatever came in while the last group waited for the disk is the next one.
  while (request !== undefined && request !== 'end') {
    group.push(request)
    characters += charactersOf(request)
    if (group.length === GROUP_MAX || characters >= GROUP_CHARACTERS_MAX) break
    request = receiveMessageOnPort(port)?.message
  }
  if (group.length > 0) port.postMessage(write(group))
  // Under load timers come late.
  if (Date.now() >= logDueAt) emptyLog()
  if (request === 'end') end()
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
function emptyLog(): void {
  const pauseMs = connection?.emptyLog() === false ? LOG_RETRY_MS : LOG_KEPT_MS
  logDueAt = Date.now() + pauseMs
  clearTimeout(emptying)
  emptying = setTimeout(emptyLog, pauseMs)
}

function end(): void {
  clearTimeout(emptying)
  connection?.close()
  port?.close()
}

function charactersOf(write: Write): number {
  const statements = 'query' in write ? [write.query] : write.batch
  return statements.reduce(
    (sum, { params = [] }) =>
      sum + params.reduce<number>((inside, value) => inside + (typeof value === 'string' ? value.length : 8), 0),
    0,
  )
}
