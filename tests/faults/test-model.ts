import { after, test } from 'node:test'
import fc from 'fast-check'
import { openHttpSource } from '../../src/adapters/source/source-http.ts'
import { createSourcePolicy, parseAllowedSource } from '../../src/adapters/source/source-policy.ts'
import { startSource } from '../support/misbehaving-source.ts'
import { publishModelUpdates } from './model-updates.ts'
import { runModel, steps } from './run-model.ts'

const CALLS_OF_SMALL_IMPORT = 35
const CALLS_OF_LARGE_IMPORT = 90

/**
 * Performs random sequences of steps on data and model (`MODEL_SEED` in the environment repeats those of an earlier run),
 * and some sequences that are not left to chance, with a stop at `every` so many-th call. A random one that finds something is kept
 * as another of these.
 */
export async function testModel({ runs, every }: { runs: number; every: number }): Promise<void> {
  const source = await startSource()
  const policy = createSourcePolicy([parseAllowedSource('127.0.0.0/8')])
  const http = openHttpSource({ policy, version: '0.0.0', limits: {} })
  const world = { published: publishModelUpdates(source), openSource: http.open }
  after(async () => {
    await http.close()
    await source[Symbol.asyncDispose]()
  })

  test(`${runs} random sequences of requests, crashes and sweeps end as the model says`, async (context) => {
    const seed = Number(process.env.MODEL_SEED ?? Date.now() % 1_000_000_000)
    context.diagnostic(`seed ${seed}`)
    const counts: Record<string, number> = {}
    const happened = (what: string) => {
      counts[what] = (counts[what] ?? 0) + 1
    }
    await fc.assert(
      // Without fast-check's preference for small ones, every sequence is long enough for updates to meet.
      fc.asyncProperty(fc.noBias(steps), (sequence) => runModel(sequence, { ...world, happened })),
      { seed, numRuns: runs },
    )
    context.diagnostic(JSON.stringify(counts))
  })

  test('an import that sleeps at any call while what it shares is deleted and swept still ends as the model says', async () => {
    for (let at = 1; at <= CALLS_OF_SMALL_IMPORT; at += every) {
      await runModel(
        [
          { do: 'import', updates: ['single'], instance: 'default' },
          { do: 'run' },
          { do: 'import', updates: ['child'], instance: 'default' },
          { do: 'run and sleep', at, leaseRunsOut: false },
          { do: 'delete', update: 'single', instance: 'default' },
          { do: 'run' },
          { do: 'sweep' },
          { do: 'wake' },
        ],
        world,
      )
    }
  })

  test('an import that dies at any call is taken up again and ends as the model says', async () => {
    for (let at = 1; at <= CALLS_OF_LARGE_IMPORT; at += every) {
      for (const fate of ['fail-before', 'fail-after'] as const) {
        await runModel(
          [
            { do: 'import', updates: ['singleLarge', 'child'], instance: 'default' },
            { do: 'run and die', at, fate },
            { do: 'run' },
          ],
          world,
        )
      }
    }
  })
}
