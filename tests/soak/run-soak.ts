import { setTimeout as delay } from 'node:timers/promises'
import { checkData } from '../faults/check-data.ts'
import { startSource } from '../support/misbehaving-source.ts'
import { eventually } from '../support/operation-end.ts'
import { startAduana } from '../support/start-aduana.ts'
import { type DataWatch, watchData } from './data-watch.ts'
import { judge, type Sample, type Verdict } from './judge.ts'
import { measureProcess } from './process-watch.ts'
import { type SoakCounts, startSoakLoad } from './soak-load.ts'

export interface SoakReport {
  seed: number
  seconds: number
  counts: SoakCounts
  samples: readonly Sample[]
  verdicts: readonly Verdict[]
  /** Before the first import, and after everything had ended and was swept. */
  idle: { before: Sample; after: Sample }
  /** Everything that must not have happened, in sentences. */
  findings: readonly string[]
}

export interface SoakOptions {
  imports: number
  seed: number
  minutesMax?: number
  onSample?: (sample: Sample) => void
}

const FLAGS = ['--allow-source', '127.0.0.0/8', '--sweep-after', '300ms', '--log-level', 'error']
const TOKEN_MINUTES = '10000'
const CATALOGUE_MAX = 100
/** Between two samples. Short runs are looked at more often: a slope needs some dozen. */
const SAMPLE_MS_MAX = 1000
/** A server that has nothing to do any more closes what it kept open in case there would be. */
const COOLING_MS = 8000
const SWEPT_MS_MAX = 30_000
/**
 * What an idle server may hold more of than before it did anything: threads and pools are made when they are first needed. Those that fetch,
 * hash and write large files and the one that keeps small ones have five descriptors each.
 */
const IDLE_MORE_MAX: Readonly<Record<string, number>> = { descriptors: 21, 'active handles': 3, 'active timers': 3 }

/**
 * Lets a real server work until `imports` imports have ended, or for `minutesMax`, and measures it all the time. The catalogue keeps its
 * size, since what is imported is deleted again; operations and audit entries are made old and forgotten by the server. In the end all is
 * swept and checked by an independent program: nothing may be left that no update names.
 */
export async function runSoak({
  imports,
  seed,
  minutesMax = 24 * 60,
  onSample = () => {},
}: SoakOptions): Promise<SoakReport> {
  await using source = await startSource()
  await using aduana = await startAduana({ flags: FLAGS })
  const { httpUrl: url, folder } = aduana
  const pid = aduana.process.pid!
  const token = await aduana.token('--minutes', TOKEN_MINUTES)
  const sampleMs = Math.min(SAMPLE_MS_MAX, imports / 4)
  const catalogue = Math.min(CATALOGUE_MAX, Math.ceil(imports / 10))
  const begin = performance.now()
  const samples: Sample[] = []

  async function sample(data: DataWatch, operations: number): Promise<Sample> {
    const seconds = (performance.now() - begin) / 1000
    return { seconds, operations, values: { ...(await measureProcess({ url, token, pid })), ...data.measure() } }
  }

  const load = await (async () => {
    // Closed before the server ends: it empties its log then, as the last who has the database open.
    using data = watchData(folder)
    const before = await sample(data, 0)
    const until = Date.now() + minutesMax * 60_000
    const load = startSoakLoad({ url, token, source, seed, imports, until, catalogue })
    const ended = load.ended.then(() => 'ended' as const)
    while ((await Promise.race([ended, delay(sampleMs)])) !== 'ended') {
      data.makeOld(3 * catalogue)
      const taken = await sample(data, load.operationsEnded())
      samples.push(taken)
      onSample(taken)
    }
    await eventually('everything idle is swept', () => data.idleBlobs() === 0, SWEPT_MS_MAX)
    await delay(COOLING_MS)
    return { ...load, idle: { before, after: await sample(data, load.operationsEnded()) } }
  })()

  const { counts, idle } = load
  const findings = [...load.findings, ...heldBy(idle)]
  const status = await aduana.stop()
  if (status !== 0) findings.push(`The server ended with ${status} when it was told to stop.`)
  if (aduana.log() !== '') findings.push(`The server had errors to log: ${aduana.log().slice(0, 2000)}`)
  for (const { code, sentence } of await checkData({ folder, quiescent: true })) findings.push(`${code}: ${sentence}`)
  // Of a run that something ended early the slopes say nothing.
  const verdicts = load.findings.length === 0 ? judge(samples) : []
  for (const { line, isFlat } of verdicts) if (!isFlat) findings.push(`The line "${line}" is not flat.`)
  return { seed, seconds: (performance.now() - begin) / 1000, counts, samples, verdicts, idle, findings }
}

/** What a server did not let go of although it has nothing to do. */
function heldBy({ before, after }: SoakReport['idle']): string[] {
  return Object.entries(IDLE_MORE_MAX).flatMap(([line, moreMax]) => {
    const [had, has] = [before.values[line] ?? 0, after.values[line] ?? 0]
    return has - had <= moreMax ? [] : [`After the run the idle server had ${has} ${line}, before it ${had}.`]
  })
}
