import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openOrderedThread } from './ordered-thread.ts'

const HELPERS = new URL('./answer-in-groups.ts', import.meta.url).href

/** A thread that answers each number with itself and the size of its group, and dies of negative ones. */
const PROGRAM = new URL(
  `data:text/javascript,${encodeURIComponent(`
    import { answerInGroups } from ${JSON.stringify(HELPERS)}
    answerInGroups({
      weigh: (number) => number,
      weightMax: 1000,
      answer: (group) => group.map((number) => {
        if (number < 0) process.exit(1)
        return { number, of: group.length }
      }),
    })`)}`,
)

function open() {
  return openOrderedThread<number, { number: number; of: number }>(PROGRAM, {
    heap: {},
    deathOf: () => new Error('It died.'),
  })
}

test('answers come in the order of the questions, in groups that are not too heavy', async () => {
  const thread = open()
  const numbers = Array.from({ length: 200 }, (_, index) => index)
  const answers = await Promise.all(numbers.map((number) => thread.ask(number)))
  assert.deepEqual(
    answers.map(({ number }) => number),
    numbers,
  )
  assert.ok(answers.some(({ of }) => of > 1))
  for (const { of } of answers) assert.ok(of <= 64)
  const heavy = await Promise.all([1000, 1000, 1000].map((number) => thread.ask(number)))
  assert.deepEqual(
    heavy.map(({ of }) => of),
    [1, 1, 1],
  )
  await thread.end()
  await assert.rejects(thread.ask(1), /ended/)
})

test('what waits when the thread dies fails, and the next question has another thread', async () => {
  const thread = open()
  const asked = [thread.ask(1), thread.ask(-1), thread.ask(2)]
  const outcomes = await Promise.allSettled(asked)
  assert.equal(outcomes[1]?.status, 'rejected')
  assert.equal(outcomes[2]?.status, 'rejected')
  assert.deepEqual(await thread.ask(3), { number: 3, of: 1 })
  await thread.end()
})
