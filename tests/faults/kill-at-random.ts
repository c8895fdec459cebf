import { once } from 'node:events'
import { appendFile, mkdtemp, readdir, rm, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { createApiClient } from '../../src/client/api-client.ts'
import { startSource } from '../support/misbehaving-source.ts'
import { type SeededRandom, seededRandom } from '../support/seeded-random.ts'
import { askToken, type SpawnedAduana, spawnAduana } from '../support/spawn-aduana.ts'
import { checkData } from './check-data.ts'
import { type KillClients, startClients } from './kill-clients.ts'
import { INSTANCES } from './kill-imports.ts'
import { type KillCounts, type Ledger, openLedger } from './kill-ledger.ts'
import { KILL_PHASES, type KillPhase, phasesIn } from './kill-phases.ts'
import { readImport } from './kill-reads.ts'

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
/** Longest time between a start and a kill that does not wait for anything. */
const WORK_MS_MAX = 1500
/** An event that a kill waits for comes by then, or the kill comes without it. */
const EVENT_MS_MAX = 2000
const SWEEP_MS = 300
/** By then, sweep has looked at everything at least twice. */
const SWEPT_MS = 2000
/** A copy that a crash left is swept when it is older than a day. */
const OLD_MS = 25 * 3600 * 1000

const FLAGS = [
  ...['--allow-source', '127.0.0.0/8', '--sweep-after', `${SWEEP_MS}ms`, '--grace', '5s'],
  ...INSTANCES.flatMap((instance) => ['--instance', instance]),
]

/** When a kill comes: at any moment, or near one that is short and would be hit too seldom. */
type Aim = (kill: { clients: KillClients; ledger: Ledger; random: SeededRandom }) => Promise<void>

const AIMS: Record<string, { weight: number; wait: Aim }> = {
  anywhere: { weight: 5, wait: ({ random }) => delay(WORK_MS_MAX * random.fraction()) },
  'after a deletion was asked for': {
    weight: 3,
    async wait({ clients, random }) {
      await delay((WORK_MS_MAX / 3) * random.fraction())
      clients.deleteNow()
      await delay(30 * random.fraction())
    },
  },
  'after the last byte of a file': {
    weight: 3,
    async wait({ ledger, random }) {
      // Where nothing is on its way, none comes.
      await once(ledger.events, 'sent', { signal: AbortSignal.timeout(EVENT_MS_MAX) }).catch(() => {})
      await delay(50 * random.fraction() ** 2)
    },
  },
  'when all is done': { weight: 1, wait: ({ clients }) => clients.drain() },
}

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
  const server = spawnAduana({ folder, flags: FLAGS })
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
  const clients = startClients({ ledger, url, token, random })
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
  const clients = startClients({ ledger, url, token, random })
  await clients.drain()
  clients.leave()
  await clients.gone()
  for (const known of ledger.inState('visible')) {
    const client = createApiClient({ baseUrl: url, token, instance: known.instance, dialect: '2022' })
    await readImport(known, { ledger, client, url, random })
  }
  await checkOperations({ url, token, ledger })
  await endedWell(server, { log, ledger })

  await makeOld(join(folder, 'blobs'))
  const sweeper = await started(folder)
  await delay(SWEPT_MS)
  await endedWell(sweeper.server, { log, ledger })
  for (const { code, sentence } of await checkData({ folder, quiescent: true })) ledger.find(`${code}: ${sentence}`)
}

/** Every import that nobody was told of must be one of the requests without an answer. */
async function checkOperations({ url, token, ledger }: { url: string; token: string; ledger: Ledger }): Promise<void> {
  const { accepted, unanswered } = ledger.counts.imports
  let listed = 0
  for (const instance of INSTANCES) {
    const client = createApiClient({ baseUrl: url, token, instance, dialect: '2022' })
    for await (const _ of client.listOperations()) listed += 1
  }
  if (listed < accepted || listed > accepted + unanswered) {
    ledger.find(`${listed} imports are listed; ${accepted} were accepted, ${unanswered} more may have been.`)
  }
}

function pickAim(random: SeededRandom): Aim {
  const aims = Object.values(AIMS).flatMap(({ weight, wait }) => Array.from({ length: weight }, () => wait))
  return random.pick(aims)!
}

async function started(folder: string): Promise<{ server: SpawnedAduana; url: string; ms: number }> {
  const begin = performance.now()
  const server = spawnAduana({ folder, flags: FLAGS })
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

/** As if the crashes had been long ago. */
async function makeOld(store: string): Promise<void> {
  const then = (Date.now() - OLD_MS) / 1000
  for (const entry of await readdir(store, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) await utimes(join(entry.parentPath, entry.name), then, then)
  }
}
