import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { startSource } from '../support/misbehaving-source.ts'
import { type Postgres, startPostgres } from '../support/postgres.ts'
import { type SeededRandom, seededRandom } from '../support/seeded-random.ts'
import { askToken } from '../support/spawn-aduana.ts'
import { checkData } from './check-data.ts'
import { pickAim } from './kill-aims.ts'
import { KILL_FLAGS, type KillReport, SWEPT_MS } from './kill-at-random.ts'
import { startClients } from './kill-clients.ts'
import { readEverything } from './kill-end.ts'
import { INSTANCES } from './kill-imports.ts'
import { openLedger } from './kill-ledger.ts'
import { KILL_PHASES, type KillPhase, phasesIn } from './kill-phases.ts'
import { type KillStore, openKillStore } from './kill-stores.ts'
import { type NodesUnderLoad, openNodesUnderLoad } from './nodes-under-load.ts'
import { snapshotPostgres } from './snapshot-postgres.ts'

/** A crash of PostgreSQL must cost nothing, as where it is meant seriously. */
const DURABLE = { fsync: 'on', synchronous_commit: 'on', full_page_writes: 'on' }

const LEASE_MS = 15_000
/** A node that is paused wakes so much later than its leases end, at most. */
const AFTER_LEASE_MS_MAX = 4000
const AWAY_MS_MAX = 3000
const RESTART_MS_MAX = 3000

interface Scene {
  nodes: NodesUnderLoad
  postgres: Postgres
  random: SeededRandom
}

/** What is done to nodes and their database, and how often: so a short run has one of each. */
const BLOWS: Record<string, { weight: number; strike(scene: Scene): Promise<unknown> }> = {
  'one node killed': { weight: 10, strike: (scene) => killSome(scene, 1) },
  'a node paused': { weight: 2, strike: pauseOne },
  'PostgreSQL crashed': { weight: 2, strike: crashDatabase },
  'all nodes killed': { weight: 2, strike: (scene) => killSome(scene, Number.POSITIVE_INFINITY) },
  'two nodes killed': { weight: 2, strike: (scene) => killSome(scene, 2) },
}

export interface KillNodesReport extends KillReport {
  nodes: number
  /** How many kills were of each kind. */
  blows: Record<string, number>
  /** How often a node found that another one had its operation. */
  lost: number
  store: string
}

/**
 * The same as `killAtRandom`, with several nodes that share a PostgreSQL and a folder as their store: each kill hits one, some or all of
 * them, pauses one for longer than its leases, or crashes PostgreSQL. After each one all nodes that live are held still for a moment, while
 * PostgreSQL's tables are copied and checked together with the store. Each kill has its own clients, who ask any node that lives.
 */
export async function killNodes({
  kills,
  seed,
  nodes: count,
  store: kind = 'folder',
  onKill = () => {},
}: {
  kills: number
  seed: number
  nodes: number
  /** `folder` or `azblob`. */
  store?: string
  onKill?: (kill: { number: number; blow: string; phases: readonly KillPhase[] }) => void
}): Promise<KillNodesReport> {
  const folder = await mkdtemp(join(tmpdir(), 'aduana-kill-nodes-'))
  const log = join(folder, 'log')
  await using store = await openKillStore(kind, folder)
  await using source = await startSource()
  await using postgres = await startPostgres({ settings: DURABLE })
  const url = postgres.url(await postgres.createDatabase())
  const ledger = openLedger({ source, seed })
  const random = seededRandom(seed, 'kills')
  const phases = Object.fromEntries(KILL_PHASES.map((phase) => [phase, 0])) as Record<KillPhase, number>
  const blows = Object.fromEntries(Object.keys(BLOWS).map((name) => [name, 0]))
  const flags = [...KILL_FLAGS, '--database', url, '--store', store.address]
  const nodes = await openNodesUnderLoad({ count, folder, flags, env: store.env, log, random, find: ledger.find })
  const scene = { nodes, postgres, random }
  const copies = { url, store, folder }

  await nodes.startAll()
  const [{ folder: anyFolder = '' } = {}] = nodes.nodes
  const instances = INSTANCES.flatMap((instance) => ['--instance', instance])
  const token = await askToken({ folder: anyFolder, flags: ['--minutes', '10000', ...instances] })
  const meet = () => startClients({ ledger, reach: nodes.reach, token, random })

  let done = 0
  for (; done < kills && ledger.findings.length === 0; done += 1) {
    try {
      const clients = meet()
      await nodes.living()
      await pickAim(random)({ clients, ledger, random })
      const blow = pickBlow(done, random)
      await BLOWS[blow]?.strike(scene)
      blows[blow] = (blows[blow] ?? 0) + 1
      const hit = await nodes.frozen(async () => {
        const copy = await copyData(copies)
        for (const { code, sentence } of await checkData({ folder: copy })) ledger.find(`${code}: ${sentence}`)
        return phasesIn(copy)
      })
      if (nodes.hasKilledStarting()) hit.add('starting')
      for (const phase of hit) phases[phase] += 1
      // First, since clients who have nobody to ask wait for one.
      nodes.startLater(() => RESTART_MS_MAX * random.fraction())
      clients.leave()
      await clients.gone()
      onKill({ number: done + 1, blow, phases: [...hit] })
    } catch (error) {
      ledger.find(`Kill ${done + 1}: ${(error as Error).stack}`)
    }
  }

  if (ledger.findings.length === 0) {
    await nodes.startAll()
    const clients = meet()
    await clients.drain()
    clients.leave()
    await clients.gone()
    await readEverything({ target: await nodes.reach(), token, ledger, random })
    await nodes.stopAll()
    await store.makeOld()
    await nodes.startAll()
    await delay(SWEPT_MS)
    await nodes.stopAll()
    const copy = await copyData(copies)
    for (const { code, sentence } of await checkData({ folder: copy, quiescent: true })) {
      if (!store.spared.includes(code)) ledger.find(`${code}: ${sentence}`)
    }
  }
  await nodes.killAll()

  const { findings, counts } = ledger
  const lost = nodes.logged('operation lost to another attempt')
  const report = { seed, kills: done, nodes: count, store: kind, blows, phases, counts, lost, findings }
  if (findings.length > 0) return { ...report, kept: { folder, log } }
  await rm(folder, { recursive: true })
  return report
}

/** A data folder as one machine would have it: with a copy of the database, and with the store itself. */
async function copyData({ url, store, folder }: { url: string; store: KillStore; folder: string }): Promise<string> {
  const copy = join(folder, 'copy')
  await rm(copy, { recursive: true, force: true })
  await mkdir(copy)
  await snapshotPostgres({ url, path: join(copy, 'aduana.db') })
  await symlink(await store.view(), join(copy, 'blobs'))
  return copy
}

function pickBlow(number: number, random: SeededRandom): string {
  const names = Object.entries(BLOWS).flatMap(([name, { weight }]) => Array.from({ length: weight }, () => name))
  return Object.keys(BLOWS)[number] ?? random.pick(names) ?? ''
}

async function killSome({ nodes, random }: Scene, countMax: number): Promise<void> {
  const living = await nodes.living()
  const begin = random.whole(0, living.length - 1)
  const hit = [...living.slice(begin), ...living.slice(0, begin)].slice(0, countMax)
  await Promise.all(hit.map((node) => node.kill()))
}

async function pauseOne({ nodes, random }: Scene): Promise<void> {
  const node = random.pick(await nodes.living())
  node?.pause()
  await delay(LEASE_MS + AFTER_LEASE_MS_MAX * random.fraction())
  node?.wake()
  await delay(500 * random.fraction() ** 2)
}

async function crashDatabase({ nodes, postgres, random }: Scene): Promise<void> {
  await nodes.withoutDatabase(async () => {
    await postgres.stop('crash')
    await delay(AWAY_MS_MAX * random.fraction() ** 2)
    await postgres.start()
  })
}
