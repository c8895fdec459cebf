import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { ManifestVersion } from '../../src/domain/import-manifest.ts'
import { findContent } from '../../src/store/updates/files.ts'
import { type AppInMemory, startAppInMemory } from '../support/app-in-memory.ts'
import { validManifest } from '../support/import-manifests.ts'
import { seedEveryState, toaster } from '../support/seed-every-state.ts'
import { serverOf } from './exchange.ts'
import { jsonBytes, jsonTexts } from './json-texts.ts'
import { judgeManifest, judgeRequest, judgeToken, judgeWire } from './judges.ts'
import { imports, requests, uploads, wireBytes } from './request-inputs.ts'
import { tokens } from './token-inputs.ts'

/** One kind of input: how it is made, what is expected, and which part of all inputs it is. */
interface Kind {
  name: string
  share: number
  property: (observe: Observe) => fc.IAsyncProperty<[unknown]>
}

/** Runs a judge over an input, and takes the time. */
type Observe = (input: unknown, judge: () => string | Promise<string>) => Promise<void>

export interface FuzzReport {
  /** How many inputs each kind had, by what came of them. */
  outcomes: Record<string, Record<string, number>>
  slowest: { kind: string; ms: number; input: string }
  /** The first input, made as small as possible, for which a promise did not hold. */
  failure?: { kind: string; seed: number; counterexample: string; reason: string }
}

/** So many inputs are made from one seed; then the next one is taken, and progress can be told. */
const BATCH = 10_000
/** An input that takes longer counts as a hang, even if it ends. */
const BUSY_MS_MAX = 5000

/**
 * Sends `runs` inputs that a stranger might send, and judges what comes of each. The same `runs` and `seed` make the same
 * inputs, but for the signatures of tokens. Ends at the first failure.
 */
export async function fuzz({
  runs,
  seed,
  onBatch = () => {},
}: {
  runs: number
  seed: number
  onBatch?: (batch: { kind: string; seed: number; runs: number }) => void
}): Promise<FuzzReport> {
  await using app = await startAppInMemory({ instances: ['default', 'many'] })
  const kinds = kindsOf(app, await seedContent(app))
  const report: FuzzReport = { outcomes: {}, slowest: { kind: '', ms: 0, input: '' } }
  const strays: unknown[] = []
  const onStray = (error: unknown) => strays.push(error)
  process.on('unhandledRejection', onStray).on('uncaughtException', onStray)
  try {
    for (const { name, share, property } of kinds) {
      const outcomes: Record<string, number> = {}
      report.outcomes[name] = outcomes
      const observed = property(async (input, judge) => {
        const begin = performance.now()
        const outcome = await judge()
        const ms = performance.now() - begin
        outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
        if (ms > report.slowest.ms) report.slowest = { kind: name, ms, input: shown(input) }
        assert.ok(ms < BUSY_MS_MAX, `it took ${ms} ms`)
        assert.deepEqual(strays, [], 'an error was caught by nobody')
      })
      let left = Math.round(runs * share)
      for (let batchSeed = seed; left > 0; batchSeed += 1) {
        const batch = Math.min(left, BATCH)
        const details = await fc.check(observed, { numRuns: batch, seed: batchSeed })
        if (details.failed) {
          const counterexample = shown(details.counterexample?.[0])
          const reason = String(details.errorInstance ?? 'it never ended')
          return { ...report, failure: { kind: name, seed: batchSeed, counterexample, reason } }
        }
        left -= batch
        onBatch({ kind: name, seed: batchSeed, runs: batch })
      }
    }
    return report
  } finally {
    process.off('unhandledRejection', onStray).off('uncaughtException', onStray)
  }
}

function kindsOf(app: AppInMemory, contentPath: string): Kind[] {
  const server = serverOf(app)
  const versions: ManifestVersion[] = ['2.0', '3.0', '4.0', '5.0']
  const manifests = jsonBytes(jsonTexts(fc.constantFrom(...versions.map(validManifest))))
  function kind<T>(
    name: string,
    share: number,
    arbitrary: fc.Arbitrary<T>,
    judge: (input: T) => string | Promise<string>,
  ): Kind {
    const property = (observe: Observe) => fc.asyncProperty(arbitrary, (input) => observe(input, () => judge(input)))
    return { name, share, property: property as Kind['property'] }
  }
  return [
    kind('import manifest', 0.2, manifests, judgeManifest),
    kind('upload', 0.1, uploads, (request) => judgeRequest(request, server)),
    kind('import request', 0.2, imports, (request) => judgeRequest(request, server)),
    kind('any request', 0.3, requests(contentPath), (request) => judgeRequest(request, server)),
    kind('bytes on the wire', 0.1, wireBytes(contentPath), (bytes) => judgeWire(bytes, server)),
    kind('token', 0.1, tokens, judgeToken),
  ]
}

/** Fills catalogue and store, and answers the path of a file of seven bytes. */
async function seedContent({ ask, blobs, database }: AppInMemory): Promise<string> {
  await seedEveryState(database, { traceId: '1'.repeat(32), instanceWithMany: 'many' })
  const { provider, name, version } = toaster('5.0')
  const answer = await ask(`/aduana/v1/default/updates/providers/${provider}/names/${name}/versions/${version}`)
  const { files } = answer.json<{ files: { contentUrl: string }[] }>()
  const { pathname } = new URL(files[0]?.contentUrl ?? '')
  const content = await findContent(database, pathname.split('/')[2] ?? '')
  assert.ok(content)
  await using writer = await blobs.create({ name: content.blob, sizeInBytes: 7 })
  await writer.write(Buffer.from('toaster'))
  await writer.commit()
  return pathname
}

/** An input in one line of bearable length. */
function shown(input: unknown): string {
  const text = JSON.stringify(input, (_name, value) =>
    value?.type === 'Buffer'
      ? Buffer.from(value.data).toString('latin1')
      : value instanceof Uint8Array
        ? Buffer.from(value).toString('latin1')
        : value,
  )
  return String(text).slice(0, 2000)
}
