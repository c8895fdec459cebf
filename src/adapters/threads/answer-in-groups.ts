import { parentPort, receiveMessageOnPort } from 'node:worker_threads'
import type { ToThread } from './ordered-thread.ts'

/** How many questions make a group. More would let the first wait for long, and win little. */
const GROUP_MAX = 64

/**
 * The program of an `openOrderedThread`: whatever is asked while one group is answered is the next one, until its questions weigh
 * `weightMax` together. `answer` gives an answer to each question, in their order; `afterwards` is called when they were sent, and `end`
 * before the thread ends.
 */
export function answerInGroups<Question, Answer>({
  weigh,
  weightMax,
  answer,
  afterwards = () => {},
  end = () => {},
}: {
  weigh: (question: Question) => number
  weightMax: number
  answer: (group: readonly Question[]) => Answer[]
  afterwards?: () => void
  end?: () => void
}): void {
  const port = parentPort
  if (port === null) throw new Error('This program runs in a thread.')
  port.on('message', (first: ToThread<Question>) => {
    const group: Question[] = []
    let weight = 0
    let message: ToThread<Question> | undefined = first
    while (message !== undefined && message !== 'end') {
      group.push(message)
      weight += weigh(message)
      if (group.length === GROUP_MAX || weight >= weightMax) break
      message = receiveMessageOnPort(port)?.message as ToThread<Question> | undefined
    }
    if (group.length > 0) port.postMessage(answer(group))
    afterwards()
    if (message !== 'end') return
    end()
    port.close()
  })
}
