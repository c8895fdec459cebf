import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { AppError } from '../../src/domain/errors.ts'
import { asOperationError } from '../../src/domain/operation.ts'
import { BatchConflict, type Row } from '../../src/ports/database.ts'
import { LostAttempt } from '../../src/services/operations/attempt-end.ts'
import { catalogueOf, operationsOf } from './catalogue-of.ts'
import { checkData, type FindingCode } from './check-data.ts'
import { DataUnderTest, type Outside, type Ports } from './data-under-test.ts'
import { type Fate, intercepted } from './intercept-calls.ts'

/** Something that is done while one call fails, and done again. */
export interface Scenario {
  name: string
  outside: Outside
  /** Brings a new data folder to where the scenario begins. */
  prepare(data: DataUnderTest): Promise<void>
  /** Reaches the world by `ports` only. */
  act(ports: Ports, data: DataUnderTest): Promise<void>
  /** What is done when a call has failed: the operations that are left are run, unless told otherwise. */
  again?(data: DataUnderTest): Promise<void>
  /** What is wrong with the data until it is done. */
  wrongBefore?: FindingCode[]
  /** It has so many calls that a short test takes only some of them. */
  isLong?: true
  /** Operations may end in more ways than one; only the catalogue has to be the same. */
  isCatalogueOnly?: true
}

/** What every injected failure says. */
const FAILURE = 'This call fails for the sake of a test'

/** A run waits for the disk most of the time, each for a folder of its own. */
const RUNS_AT_ONCE = 4

/** Whether an operation that failed so did because of an injected failure. */
export function isInjected(error: AppError): boolean {
  return JSON.stringify(asOperationError(error)).includes(FAILURE)
}

/** What the folder looks like at the end, whatever has failed on the way. */
interface Outcome {
  catalogue: Record<string, Row[]>
  operations: Row[]
}

/**
 * Runs the scenario again and again, and lets call number n fail: n = 1, 2, 3 … until a run ends without reaching it. After each
 * failure the data must be sound, doing the work again must bring it where it comes without a failure, and nothing may be left over
 * once all is swept. From the call `first` on, `every` so many-th is taken. Answers how many calls there are.
 */
export async function failAtEveryCall(
  scenario: Scenario,
  { fate, first = 1, every = 1 }: { fate: Exclude<Fate, 'pass'>; first?: number; every?: number },
): Promise<number> {
  const template = await DataUnderTest.make(scenario.outside)
  try {
    await scenario.prepare(template)
    await template.close()
    const expected = await runOnce(scenario, template.folder, { failAt: Number.POSITIVE_INFINITY, fate })
    for (let next = first; ; next += RUNS_AT_ONCE * every) {
      const numbers = Array.from({ length: RUNS_AT_ONCE }, (_, index) => next + index * every)
      const runs = await Promise.all(
        numbers.map(async (failAt) => ({ failAt, ...(await runOnce(scenario, template.folder, { failAt, fate })) })),
      )
      for (const { failAt, failed, outcome } of runs) {
        const which = `${scenario.name}: call ${failAt} (${failed}) with ${fate}`
        assert.deepEqual(outcome.catalogue, expected.outcome.catalogue, which)
        if (!scenario.isCatalogueOnly) assert.deepEqual(outcome.operations, expected.outcome.operations, which)
      }
      const unreached = runs.find(({ failed }) => failed === undefined)
      if (unreached !== undefined) return unreached.calls
    }
  } finally {
    await rm(template.folder, { recursive: true, force: true })
  }
}

async function runOnce(
  { outside, act, again, name, wrongBefore = [] }: Scenario,
  template: string,
  { failAt, fate }: { failAt: number; fate: Fate },
): Promise<{ calls: number; failed: string | undefined; outcome: Outcome }> {
  await using data = await DataUnderTest.make(outside, template)
  await using over = new AsyncDisposableStack()
  let calls = 0
  let failed: string | undefined
  const ports = failingPorts(data.ports, {
    decide(call) {
      calls += 1
      if (calls !== failAt) return 'pass'
      failed = call
      return fate
    },
    abandoned: (end) => over.defer(async () => void (await end())),
  })
  const sound = async (when: string, { quiescent = false, except = [] as FindingCode[] } = {}) => {
    const findings = await checkData({ folder: data.folder, quiescent })
    const wrong = findings.filter(({ code }) => !except.includes(code))
    assert.deepEqual(wrong, [], `${name}, ${when}: call ${failAt} (${failed}) with ${fate}`)
  }

  try {
    await act(ports, data)
  } catch (error) {
    assert.ok(
      failed !== undefined && isExplained(error),
      `call ${failAt} (${failed}) ends in ${(error as Error).stack}`,
    )
  }
  await sound('after the failure', { except: wrongBefore })
  // As if the process had died before it could tell: no lease is held any more.
  await data.ports.database.query(`update operations set due_at = 0 where status = 'Running'`)
  if (again !== undefined) await again(data)
  await data.runAll()
  await sound('done again')
  await data.restart()
  await data.sweepAll()
  await sound('swept', { quiescent: true })
  const { database } = data.ports
  return {
    calls,
    failed,
    outcome: { catalogue: await catalogueOf(database), operations: await operationsOf(database) },
  }
}

function failingPorts(
  { database, blobs, openSource, scanner, cdn, ...rest }: Ports,
  hooks: { decide(call: string): Fate; abandoned(end: () => Promise<unknown>): void },
): Ports {
  const failure = (call: string) => new Error(`${FAILURE}: ${call}`)
  // Of a source nothing comes but errors that are part of the product.
  const sourceFailure = (call: string) =>
    new AppError('SourceUnreachable', `${FAILURE}: ${call}`, { mayRecover: true, retryAfterSeconds: 0 })
  const source = intercepted({ open: openSource }, 'source', { ...hooks, failure: sourceFailure })
  return {
    ...rest,
    cdn: intercepted(cdn, 'cdn', { ...hooks, failure }),
    database: intercepted(database, 'database', { ...hooks, failure }),
    blobs: intercepted(blobs, 'blobs', { ...hooks, failure }),
    openSource: (url, options) => source.open(url, options),
    scanner: scanner && intercepted(scanner, 'scanner', { ...hooks, failure }),
  }
}

/** Whether it tells of the failure, or is one of those that services throw on purpose. */
function isExplained(error: unknown): boolean {
  if (error instanceof SuppressedError) return isExplained(error.error)
  if (error instanceof AppError || error instanceof LostAttempt || error instanceof BatchConflict) return true
  return error instanceof Error && error.message.startsWith(FAILURE)
}
