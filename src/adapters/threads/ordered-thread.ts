import { once } from 'node:events'
import type { ResourceLimits, Transferable } from 'node:worker_threads'
import { startThread } from './start-thread.ts'

/** What goes to the thread: a question, or the end. */
export type ToThread<Question> = Question | 'end'

/** A thread that is asked many things, and answers them in their order; its program is made with `answerInGroups`. */
export interface OrderedThread<Question, Answer> {
  /** Answers in the order of the questions. Memory that is `moved` is the thread's from then on. */
  ask(question: Question, moved?: readonly Transferable[]): Promise<Answer>
  /** Resolves when all that was asked is answered and the thread is gone. It cannot be asked any more afterwards. */
  end(): Promise<void>
}

/**
 * The thread is made for the first question, and made anew for the first one after it died. What waits when it dies fails with what
 * `deathOf` makes of the cause, and may have been done or not. An idle thread does not keep the process alive.
 */
export function openOrderedThread<Question, Answer>(
  program: URL,
  { data, heap, deathOf }: { data?: unknown; heap: ResourceLimits; deathOf: (cause: unknown) => Error },
): OrderedThread<Question, Answer> {
  let thread: OrderedThread<Question, Answer> | undefined
  let isClosed = false
  return {
    async ask(question, moved) {
      if (isClosed) throw new Error('The thread has been ended.')
      thread ??= askable(program, {
        data,
        heap,
        deathOf,
        onExit() {
          thread = undefined
        },
      })
      return thread.ask(question, moved)
    },
    async end() {
      isClosed = true
      await thread?.end()
    },
  }
}

function askable<Question, Answer>(
  program: URL,
  {
    data,
    heap,
    deathOf,
    onExit,
  }: { data: unknown; heap: ResourceLimits; deathOf: (cause: unknown) => Error; onExit: () => void },
): OrderedThread<Question, Answer> {
  const worker = startThread(program, { data, heap })
  const waiting: PromiseWithResolvers<Answer>[] = []
  let cause: unknown

  worker.on('message', (answers: Answer[]) => {
    for (const answer of answers) waiting.shift()?.resolve(answer)
    if (waiting.length === 0) worker.unref()
  })
  worker.on('error', (error) => {
    cause = error
  })
  worker.on('exit', () => {
    onExit()
    const error = deathOf(cause)
    for (const { reject } of waiting.splice(0)) reject(error)
  })

  const send = (message: ToThread<Question>, moved: readonly Transferable[] = []) => worker.postMessage(message, moved)
  return {
    ask(question, moved) {
      send(question, moved)
      // It must keep the process alive only while it has something to do.
      if (waiting.length === 0) worker.ref()
      const asked = Promise.withResolvers<Answer>()
      waiting.push(asked)
      return asked.promise
    },
    async end() {
      worker.ref()
      send('end')
      await once(worker, 'exit')
    },
  }
}
