/** What happens to a call: it goes through, or it fails, before it took effect or after, so that only the answer is lost. */
export type Fate = 'pass' | 'fail-before' | 'fail-after'

export interface Interception {
  /** Asked about each call, by its name, such as `database.batch` or `blobs.create.write`; the call waits for the answer. */
  decide(call: string): Fate | Promise<Fate>
  /** What a call that fails throws. */
  failure(call: string): Error
  /** Told of what was never ended because the end of it failed: whoever intercepts ends it when nobody looks any more. */
  abandoned(end: () => Promise<unknown>): void
}

const ASYNC = Object.getPrototypeOf(async () => {}).constructor
/** Ends the port itself; tests do that when all is over. */
const NOT_INTERCEPTED = new Set<PropertyKey>(['close'])

/**
 * A port of which each asynchronous method may fail, as may whatever those methods answer that has methods of its own, and each step
 * of an iteration. It knows no port, so a method that is added to one is covered at once.
 */
export function intercepted<Port extends object>(port: Port, name: string, interception: Interception): Port {
  return new Proxy(port, {
    get(target, key) {
      const value = Reflect.get(target, key)
      if (typeof value !== 'function' || NOT_INTERCEPTED.has(key)) return value
      if (key === Symbol.asyncIterator) {
        return () => interceptedIterator(value.call(target), name, interception)
      }
      const call = `${name}.${key === Symbol.asyncDispose ? 'dispose' : String(key)}`
      return (...args: unknown[]) => {
        const go = () => value.apply(target, args)
        if (value instanceof ASYNC)
          return interceptedCall(call, { go, isEnd: key === Symbol.asyncDispose }, interception)
        const answer = go()
        if (answer instanceof Promise) throw new Error(`${call} must be an async function for faults to get into it.`)
        return wrapped(answer, call, interception)
      }
    },
  })
}

async function interceptedCall(
  call: string,
  { go, isEnd }: { go: () => Promise<unknown>; isEnd: boolean },
  interception: Interception,
): Promise<unknown> {
  const fate = await interception.decide(call)
  if (fate === 'fail-before') {
    if (isEnd) interception.abandoned(go)
    throw interception.failure(call)
  }
  const answer = await go()
  if (fate === 'pass') return wrapped(answer, call, interception)
  await giveUp(answer, interception)
  throw interception.failure(call)
}

/** Lets go of an answer that its caller never sees. */
async function giveUp(answer: unknown, interception: Interception): Promise<void> {
  if (isIterable(answer)) for await (const _ of answer) break
  else if (isDisposable(answer)) interception.abandoned(async () => answer[Symbol.asyncDispose]())
}

function interceptedIterator(
  iterator: AsyncIterator<unknown>,
  name: string,
  interception: Interception,
): AsyncIterator<unknown> {
  const call = `${name}.next`
  return {
    async next() {
      const fate = await interception.decide(call)
      if (fate !== 'fail-before') {
        const step = await iterator.next()
        if (fate === 'pass') return step
      }
      // Whoever iterates ends nothing that failed by itself.
      await iterator.return?.()
      throw interception.failure(call)
    },
    async return(value) {
      return (await iterator.return?.(value)) ?? { done: true, value }
    },
  }
}

/** Objects with methods are ports as well; rows, names and numbers are not. */
function wrapped(answer: unknown, call: string, interception: Interception): unknown {
  if (typeof answer !== 'object' || answer === null || Array.isArray(answer)) return answer
  const isPort =
    isIterable(answer) || isDisposable(answer) || Object.values(answer).some((value) => value instanceof ASYNC)
  return isPort ? intercepted(answer, call, interception) : answer
}

function isIterable(answer: unknown): answer is AsyncIterable<unknown> {
  return typeof answer === 'object' && answer !== null && Symbol.asyncIterator in answer
}

function isDisposable(answer: unknown): answer is AsyncDisposable {
  return typeof answer === 'object' && answer !== null && Symbol.asyncDispose in answer
}
