import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { ClaimedOperation } from '../../src/domain/operation.ts'
import { BatchConflict, type Row } from '../../src/ports/database.ts'
import type { OpenSource } from '../../src/ports/source.ts'
import { sweep } from '../../src/services/deleting/sweep.ts'
import { LostAttempt } from '../../src/services/operations/attempt-end.ts'
import { claimOperation } from '../../src/store/operations/attempts.ts'
import { findUpdate } from '../../src/store/updates/updates.ts'
import type { PublishedUpdate } from '../support/publish-update.ts'
import { checkData } from './check-data.ts'
import { DataUnderTest, runToItsEnd } from './data-under-test.ts'
import type { Fate } from './intercept-calls.ts'
import { Model, type ModelEnd, type ModelRequest } from './model.ts'
import { MODEL_UPDATES, type UpdateName } from './model-updates.ts'
import { readCatalogue } from './read-catalogue.ts'
import { type Stop, type StoppablePorts, stoppablePorts } from './stoppable-ports.ts'

type Instance = 'default' | 'other'

/** What happens to a server, one thing after the other. Plain data, so that a sequence that found something can be kept as a test. */
export type Step =
  /** A request comes and is recorded; it runs later. */
  | { do: 'import'; updates: UpdateName[]; instance: Instance }
  | { do: 'delete'; update: UpdateName; instance: Instance }
  /** What waits longest runs: to its end, or until the process dies or sleeps at a call. */
  | { do: 'run' }
  | { do: 'run and die'; at: number; fate: Exclude<Fate, 'pass'> }
  | { do: 'run and sleep'; at: number; leaseRunsOut: boolean }
  /** The process that slept goes on. */
  | { do: 'wake' }
  | { do: 'restart' }
  | { do: 'sweep' }
  | { do: 'sweep leftovers' }

const instances = fc.constantFrom<Instance>('default', 'default', 'default', 'default', 'other')
const names = Object.keys(MODEL_UPDATES) as UpdateName[]
// Those that have to do with each other, so that they meet.
const family: UpdateName[] = ['child', 'second', 'parent', 'otherParent', 'single', 'thief']
const updates = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(fc.constantFrom(...family)) },
  { weight: 3, arbitrary: fc.tuple(fc.constantFrom(...names)) },
  {
    weight: 3,
    arbitrary: fc.shuffledSubarray<UpdateName>(['parent', 'child', 'second', 'otherParent'], { minLength: 2 }),
  },
  { weight: 1, arbitrary: fc.array(fc.constantFrom(...names), { minLength: 2, maxLength: 3 }) },
)
// A small import has some thirty calls.
const calls = fc.oneof(fc.integer({ min: 1, max: 35 }), fc.integer({ min: 1, max: 120 }))
const fates = fc.constantFrom('fail-before' as const, 'fail-after' as const)

export const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant('import' as const), updates, instance: instances }) },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant('delete' as const),
        update: fc.constantFrom(...family),
        instance: instances,
      }),
    },
    { weight: 7, arbitrary: fc.constant({ do: 'run' as const }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('run and die' as const), at: calls, fate: fates }) },
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constant('run and sleep' as const), at: calls, leaseRunsOut: fc.boolean() }),
    },
    { weight: 3, arbitrary: fc.constant({ do: 'wake' as const }) },
    { weight: 1, arbitrary: fc.constant({ do: 'restart' as const }) },
    { weight: 2, arbitrary: fc.constant({ do: 'sweep' as const }) },
    { weight: 1, arbitrary: fc.constant({ do: 'sweep leftovers' as const }) },
  ),
  { maxLength: 60, size: 'max' },
)

const MINUTE_MS = 60_000

/** An operation that the model waits for. */
interface Waiting {
  request: ModelRequest
  /** Whether its files could be had at any time that an attempt may have asked for them: what one has fetched, the next one has. */
  couldFetch: boolean
  /** What its latest attempt may have found, while others went on. */
  couldEnd: Set<ModelEnd>
}

interface Sleeper {
  operation: ClaimedOperation
  stoppable: StoppablePorts
  attempt: Promise<unknown>
}

export interface ModelWorld {
  published: Record<UpdateName, PublishedUpdate>
  openSource: OpenSource
  /** Told what happened, to see afterwards that everything did. */
  happened?: (what: string) => void
}

/** Performs the steps on a real data folder and on the model, and throws where they differ. */
export async function runModel(
  sequence: readonly Step[],
  { published, openSource, happened = () => {} }: ModelWorld,
): Promise<void> {
  await using over = new AsyncDisposableStack()
  await using data = await DataUnderTest.make({ openSource, scanner: undefined })
  const model = new Model()
  const waiting = new Map<string, Waiting>()
  let sleeper: Sleeper | undefined
  over.defer(async () => {
    sleeper?.stoppable.die()
    await sleeper?.attempt
  })

  async function sound(quiescent = false): Promise<void> {
    assert.deepEqual(await checkData({ folder: data.folder, quiescent }), [])
  }

  /** What an attempt finds that looks around at this moment. */
  function note(operationId: string): void {
    const operation = waiting.get(operationId)
    if (operation === undefined) return
    operation.couldEnd.add(model.predict(operation.request))
    operation.couldFetch ||= model.canFetch(operation.request)
  }

  async function rowOf(operationId: string): Promise<Row | undefined> {
    const [row] = await data.ports.database.query('select * from operations where id = $1', [operationId])
    return row
  }

  /** Compares how an operation ended with what the model says; one that has not ended still waits. */
  async function settled(operationId: string): Promise<void> {
    note(operationId)
    const operation = waiting.get(operationId)
    assert.ok(operation, 'the operation is known')
    const row = await rowOf(operationId)
    if (row?.status === 'Running') return
    const predicted = model.predict(operation.request)
    const end = endOf(row)
    const isExpected =
      end === 'Succeeded'
        ? predicted === 'Succeeded' || (predicted === 'CannotProcessUpdateFile' && operation.couldFetch)
        : operation.couldEnd.has(end)
    assert.ok(
      isExpected,
      `${JSON.stringify(operation.request)} ends in ${end}, expected ${[...operation.couldEnd]}: ${row?.error}`,
    )
    happened(`${operation.request.kind}: ${end}`)
    if (end === 'Succeeded') model.apply(operation.request)
    waiting.delete(operationId)
  }

  async function claimed(): Promise<ClaimedOperation | undefined> {
    const operation = await claimOperation(data.ports.database, MINUTE_MS)
    if (operation !== undefined) {
      waiting.get(operation.operationId)?.couldEnd.clear()
      note(operation.operationId)
    }
    return operation
  }

  async function restart(): Promise<void> {
    sleeper?.stoppable.die()
    await sleeper?.attempt
    sleeper = undefined
    await data.restart()
  }

  async function runUntil(stop: Stop, leaseRunsOut = true): Promise<void> {
    if (stop.kind === 'sleeps' && sleeper !== undefined) return
    const operation = await claimed()
    if (operation === undefined) return
    const stoppable = stoppablePorts(data.ports, stop, (end) => over.defer(async () => void (await end())))
    const attempt = runToItsEnd(operation, stoppable.ports).catch((error: unknown) => error)
    const isOver = await Promise.race([attempt.then(() => true), stoppable.stopped.then(() => false)])
    if (stop.kind === 'dies') {
      if (isOver) assert.equal(await attempt, undefined)
      happened(isOver ? 'ended before it died' : 'died')
      await attempt
      await restart()
      await settled(operation.operationId)
    } else if (isOver) {
      assert.equal(await attempt, undefined)
      await settled(operation.operationId)
    } else {
      happened('slept')
      sleeper = { operation, stoppable, attempt }
      if (!leaseRunsOut) return
      await data.ports.database.query('update operations set due_at = 0 where id = $1', [operation.operationId])
    }
  }

  async function wake(): Promise<void> {
    if (sleeper === undefined) return
    const { operation, stoppable, attempt } = sleeper
    const { operationId } = operation
    const before = await rowOf(operationId)
    const isHeld = before?.status === 'Running' && Number(before.attempt) === operation.attempt
    stoppable.wake()
    const error = await attempt
    sleeper = undefined
    happened(isHeld ? 'woke and still held the operation' : 'woke and had lost the operation')
    if (isHeld) {
      assert.equal(error, undefined)
      await settled(operationId)
      return
    }
    const isLoss = error instanceof LostAttempt || (error instanceof BatchConflict && error.reason === 'guard')
    // Where its call had taken effect before it slept, it goes on as if it still had the operation, and finds its end.
    assert.ok(isLoss || error === undefined, `it notices that it was lost: ${(error as Error)?.stack}`)
    assert.deepEqual(await rowOf(operationId), before, 'an attempt that was lost changes nothing')
  }

  async function perform(step: Step): Promise<void> {
    switch (step.do) {
      case 'import': {
        const request: ModelRequest = { kind: 'import', ...step }
        const operationId = await data.recordImport(
          step.updates.map((name) => published[name]),
          step.instance,
        )
        return expectEnd(operationId, request)
      }
      case 'delete': {
        const request: ModelRequest = { kind: 'delete', ...step, updateId: MODEL_UPDATES[step.update].updateId }
        const update = await findUpdate(data.ports.database, step.instance, request.updateId)
        assert.equal(
          update === undefined,
          model.predict(request) === 'UpdateNotFound',
          'both know the update, or neither',
        )
        if (update === undefined) return
        return expectEnd(await data.record({ kind: 'delete', updateId: update.updateId }, step.instance), request)
      }
      case 'run': {
        const operation = await claimed()
        if (operation === undefined) return
        await runToItsEnd(operation, data.ports)
        return await settled(operation.operationId)
      }
      case 'run and die':
        return await runUntil({ kind: 'dies', ...step })
      case 'run and sleep':
        return await runUntil({ kind: 'sleeps', ...step }, step.leaseRunsOut)
      case 'wake':
        return await wake()
      case 'restart':
        return await restart()
      case 'sweep':
        return void (await sweep(data.ports, { graceMs: 0 }))
      case 'sweep leftovers':
        // Only what is older than any import may take is left over.
        if (sleeper === undefined) await data.sweepAll()
    }
  }

  function expectEnd(operationId: string, request: ModelRequest): void {
    waiting.set(operationId, { request, couldFetch: false, couldEnd: new Set() })
  }

  async function compare(): Promise<void> {
    for (const instance of ['default', 'other']) {
      assert.deepEqual(await readCatalogue(data.ports, instance), model.reads(instance))
    }
  }

  for (const step of sequence) {
    await perform(step)
    if (sleeper !== undefined) note(sleeper.operation.operationId)
    await compare()
    // A request only adds a row.
    if (step.do !== 'import' && step.do !== 'delete') await sound()
  }
  await wake()
  while (waiting.size > 0) {
    const size = waiting.size
    await perform({ do: 'run' })
    assert.ok(waiting.size < size, 'whatever waits is handed out')
  }
  await restart()
  await data.sweepAll()
  await compare()
  await sound(true)
}

function endOf(row: Row | undefined): ModelEnd {
  if (row?.status === 'Succeeded') return 'Succeeded'
  const { code } = JSON.parse(String(row?.error ?? '{}'))
  // Which of the two it is depends on the millisecond in which the other one came.
  return code === 'UpdateAlreadyExists' || code === 'DuplicateContentImport' ? 'exists' : code
}
