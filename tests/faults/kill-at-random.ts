import { appendFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { startSource } from '../support/misbehaving-source.ts'
import { type SeededRandom, seededRandom } from '../support/seeded-random.ts'
import { askToken, type SpawnedAduana, spawnAduana } from '../support/spawn-aduana.ts'
import { checkData } from './check-data.ts'
import { pickAim } from './kill-aims.ts'
import { startClients } from './kill-clients.ts'
import { makeOld, readEverything } from './kill-end.ts'
import { INSTANCES } from './kill-imports.ts'
import { type KillCounts, type Ledger, openLedger } from './kill-ledger.ts'
import { KILL_PHASES, type KillPhase, phasesIn } from './kill-phases.ts'

export interface KillReport {
  seed: number
  /** How many were done; fewer than asked for where something was found. */
  kills: number
  /** How many kills hit each phase. One that hit several operations counts in the phase of each. */
  phases: Record<KillPhase, number>
  counts: KillCounts
  /** Everything that must not have happened, in sentences. Empty where all promises were kept. */
  findings: readonly string[]
  /** The data folder and the log of all lives of the server, kept where something was found. */
  kept?: { folder: string; log: string }
}

/** This part of the kills comes while the server starts. */
const STARTING_PART = 0.15
const SWEEP_MS = 300
/** By then, sweep has looked at everything at least twice. */
export const SWEPT_MS = 2000

/** Of `aduana serve`. */
export const KILL_FLAGS = [
  ...['--allow-source', '127.0.0.0/8', '--sweep-after', `${SWEEP_MS}ms`, '--grace', '5s'],
  ...INSTANCES.flatMap((instance) => ['--instance', instance]),
]

/**
 * Runs a real server under load and kills it `kills` times with SIGKILL; after every kill an independent program checks the data folder,
 * and after every start the clients check what they know. Ends at the first kill after which something is wrong. In the end
 * everything is let go on to its end, swept, and checked again. The seed determines the load and the kills as far as the timing of
 * processes does.
 */
export async function killAtRandom({
  kills,
  seed,
  onKill = () => {},
}: {
  kills: number
  seed: number
  onKill?: (kill: { number: number; phases: readonly KillPhase[] }) => void
}): Promise<KillReport> {
  const folder = await mkdtemp(join(tmpdir(), 'aduana-kill-'))
  const log = `${folder}.log`
  await using source = await startSource()
  const ledger = openLedger({ source, seed })
  const phases = Object.fromEntries(KILL_PHASES.map((phase) => [phase, 0])) as Record<KillPhase, number>
  const random = seededRandom(seed, 'kills')

  const first = await started(folder)
  const token = await askToken({
    folder,
    flags: ['--minutes', '10000', ...INSTANCES.flatMap((instance) => ['--instance', instance])],
  })
  await ended(first.server, { signal: 'SIGKILL', log })

  let done = 0
  for (; done < kills && ledger.findings.length === 0; done += 1) {
    try {
      const hit = random.chance(STARTING_PART)
        ? await killStarting({ folder, log, waitMs: first.ms * 1.2 * random.fraction(), ledger })
        : await killWorking({ folder, log, token, ledger, random })
      for (const phase of hit) phases[phase] += 1
      for (const { code, sentence } of await checkData({ folder })) ledger.find(`${code}: ${sentence}`)
      onKill({ number: done + 1, phases: [...hit] })
    } catch (error) {
      ledger.find(`Kill ${done + 1}: ${(error as Error).stack}`)
    }
  }
  if (ledger.findings.length === 0) await endInOrder({ folder, log, token, ledger, random })

  const { findings, counts } = ledger
  const report = { seed, kills: done, phases, counts, findings }
  if (findings.length > 0) return { ...report, kept: { folder, log } }
  await rm(folder, { recursive: true })
  await rm(log, { force: true })
  return report
}

/** A kill before the server is ready, if it is quick enough: often the one before it was a moment ago. */
async function killStarting({
  folder,
  log,
  waitMs,
  ledger,
}: {
  folder: string
  log: string
  waitMs: number
  ledger: Ledger
}): Promise<Set<KillPhase>> {
  const server = spawnAduana({ folder, flags: KILL_FLAGS })
  let isReady = false
  void server.ready.then((urls) => {
    isReady = urls !== undefined
  })
  await delay(waitMs)
  if (server.process.exitCode !== null) ledger.find(`The server does not start any more: ${server.log()}`)
  const isStarting = !isReady
  await ended(server, { signal: 'SIGKILL', log })
  return isStarting ? new Set(['starting']) : phasesIn(folder)
}

async function killWorking({
  folder,
  log,
  token,
  ledger,
  random,
}: {
  folder: string
  log: string
  token: string
  ledger: Ledger
  random: SeededRandom
}): Promise<Set<KillPhase>> {
  const aim = pickAim(random)
  const { server, url } = await started(folder)
  const clients = startClients({ ledger, reach: async () => ({ url }), token, random })
  await aim({ clients, ledger, random })
  clients.leave()
  await ended(server, { signal: 'SIGKILL', log })
  await clients.gone()
  return phasesIn(folder)
}

/** No more kills: everything ends by its merits, every byte is read once more, and sweep leaves only what an update names. */
async function endInOrder({
  folder,
  log,
  token,
  ledger,
  random,
}: {
  folder: string
  log: string
  token: string
  ledger: Ledger
  random: SeededRandom
}): Promise<void> {
  const { server, url } = await started(folder)
  const clients = startClients({ ledger, reach: async () => ({ url }), token, random })
  await clients.drain()
  clients.leave()
  await clients.gone()
  await readEverything({ target: { url }, token, ledger, random })
  await endedWell(server, { log, ledger })

  await makeOld(join(folder, 'blobs'))
  const sweeper = await started(folder)
  await delay(SWEPT_MS)
  await endedWell(sweeper.server, { log, ledger })
  for (const { code, sentence } of await checkData({ folder, quiescent: true })) ledger.find(`${code}: ${sentence}`)
}

async function started(folder: string): Promise<{ server: SpawnedAduana; url: string; ms: number }> {
  const begin = performance.now()
  const server = spawnAduana({ folder, flags: KILL_FLAGS })
  const urls = await server.ready
  if (urls === undefined) throw new Error(`The server does not start on ${folder}: ${server.log()}`)
  return { server, url: urls.httpUrl, ms: performance.now() - begin }
}

async function ended(server: SpawnedAduana, { signal, log }: { signal: NodeJS.Signals; log: string }) {
  server.process.kill(signal)
  const end = await server.exited
  await appendFile(log, `${server.log()}ended by ${signal}\n`)
  return end
}

async function endedWell(server: SpawnedAduana, { log, ledger }: { log: string; ledger: Ledger }): Promise<void> {
  const { code } = await ended(server, { signal: 'SIGTERM', log })
  if (code !== 0) ledger.find(`The server ended with ${code} when it was told to stop.`)
}
