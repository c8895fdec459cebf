import { appendFile, mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { ApiError } from '../../src/client/api-error.ts'
import type { SeededRandom } from '../support/seeded-random.ts'
import { type SpawnedAduana, spawnAduana } from '../support/spawn-aduana.ts'
import type { Target } from './kill-clients.ts'

/** A node that is killed and paused, and started again. */
export interface NodeUnderLoad {
  number: number
  /** Its own, for all its lives. */
  folder: string
  /** Resolves when it answers requests, or was killed before it did. */
  start(): Promise<void>
  kill(): Promise<void>
  /** Nothing in it goes on until it is woken, and it is told nothing of that. */
  pause(): void
  wake(): void
}

export interface NodesUnderLoad {
  nodes: readonly NodeUnderLoad[]
  /** One of those that answer requests; waits until there is one, unless all were ended for good. */
  reach(): Promise<Target>
  /** Whether one was killed before it was ready, since this was last asked. */
  hasKilledStarting(): boolean
  /** Those that may be killed, at work or just starting; waits until there is one. */
  living(): Promise<NodeUnderLoad[]>
  /** Requests may be answered with 503 while this lasts. */
  withoutDatabase<T>(meanwhile: () => Promise<T>): Promise<T>
  /** Does something while nothing moves in any node. */
  frozen<T>(meanwhile: () => Promise<T>): Promise<T>
  /** Starts those that are down, each after a pause of its own. */
  startLater(pauseMs: () => number): void
  /** Starts those that are down, and waits until all are ready. */
  startAll(): Promise<void>
  /** Ends all of them in order. */
  stopAll(): Promise<void>
  /** Ends all of them at once, also those that would start later. */
  killAll(): Promise<void>
  /** How often a node wrote this to its log. */
  logged(message: string): number
}

/** A pause that takes longer may end what waited for a connection of the database. */
const FREEZE_MS_MAX = 4000
const LOOK_EVERY_MS = 20
/** By then every thread has come to a stop. */
const STILL_MS = 50

/** For who still asks in the end. */
const NOBODY: Target = { url: 'http://127.0.0.1:9', signal: AbortSignal.abort(), excuses: () => true }

interface Life {
  server: SpawnedAduana
  /** Aborts when nobody should wait for it any more. */
  gone: AbortController
  /** Once it answers requests. */
  url?: string
  isEnding: boolean
  isPaused: boolean
}

/** Makes nodes that share what `flags` name. None runs yet. Everything that they log goes to the file `log`. */
export async function openNodesUnderLoad({
  count,
  folder,
  flags,
  env,
  log,
  random,
  find,
}: {
  count: number
  /** For their data folders. */
  folder: string
  flags: readonly string[]
  env: NodeJS.ProcessEnv
  log: string
  random: SeededRandom
  /** Is told what must not happen. */
  find: (sentence: string) => void
}): Promise<NodesUnderLoad> {
  /** When the database was last away, by `performance.now()`. */
  let lastAway = Number.NEGATIVE_INFINITY
  const wasAway = (since: number) => lastAway >= since
  const lives: (Life | undefined)[] = Array.from({ length: count }, () => undefined)
  /** Those that are down and will be started. */
  const waiting = new Map<number, Promise<void>>()
  let wereStarting = false
  let isOver = false
  let thawed = Promise.resolve()
  const counts = new Map<string, number>()

  async function ended(life: Life, number: number): Promise<void> {
    const { code, signal } = await life.server.exited
    const text = life.server.log()
    await appendFile(log, `${text}node ${number} ended with ${code ?? signal}\n`)
    for (const [, message = ''] of text.matchAll(/"msg":"([^"]+)"/g))
      counts.set(message, (counts.get(message) ?? 0) + 1)
    if (lives[number] === life) lives[number] = undefined
  }

  async function end(number: number, signal: NodeJS.Signals): Promise<number | null> {
    const life = lives[number]
    if (life === undefined) return null
    life.isEnding = true
    wereStarting ||= life.url === undefined
    life.gone.abort(new Error(`Node ${number} gets ${signal}.`))
    life.server.process.kill(signal)
    const { code } = await life.server.exited
    return code
  }

  async function makeNode(number: number): Promise<NodeUnderLoad> {
    const own = await mkdtemp(join(folder, `node-${number}-`))
    async function start(): Promise<void> {
      await thawed
      const begunAt = performance.now()
      const life: Life = {
        server: spawnAduana({ folder: own, flags, env }),
        gone: new AbortController(),
        isEnding: false,
        isPaused: false,
      }
      lives[number] = life
      const over = ended(life, number)
      const urls = await life.server.ready
      if (urls !== undefined) {
        life.url = urls.httpUrl
        void over.then(() => {
          if (!life.isEnding) find(`Node ${number} ended by itself: ${life.server.log().slice(-2000)}`)
        })
        return
      }
      await over
      if (life.isEnding) return
      if (!wasAway(begunAt)) find(`Node ${number} does not start: ${life.server.log().slice(-2000)}`)
      else await start()
    }

    return {
      number,
      folder: own,
      start,
      async kill() {
        await end(number, 'SIGKILL')
      },
      pause() {
        const life = lives[number]
        if (life === undefined) return
        life.isPaused = true
        life.gone.abort(new Error(`Node ${number} stands still.`))
        life.server.process.kill('SIGSTOP')
      },
      wake() {
        const life = lives[number]
        if (life === undefined) return
        life.server.process.kill('SIGCONT')
        life.isPaused = false
        life.gone = new AbortController()
      },
    }
  }
  const nodes = await Promise.all(lives.map((_, number) => makeNode(number)))
  const isAlive = (life: Life | undefined) => life !== undefined && !life.isEnding
  const moving = () => lives.filter((life) => life !== undefined && !life.isEnding && !life.isPaused) as Life[]

  function startLater(pauseMs: () => number): void {
    for (const { number, start } of nodes) {
      if (lives[number] !== undefined || waiting.has(number)) continue
      const started = delay(pauseMs()).then(start)
      waiting.set(
        number,
        started.finally(() => waiting.delete(number)),
      )
    }
  }

  return {
    nodes,
    async reach() {
      for (;;) {
        if (isOver) return NOBODY
        const life = random.pick(moving().filter(({ url }) => url !== undefined))
        if (life?.url === undefined) {
          await delay(LOOK_EVERY_MS)
          continue
        }
        const { signal } = life.gone
        return {
          url: life.url,
          signal,
          excuses: (error, begunAt) =>
            error instanceof ApiError ? error.status === 503 && wasAway(begunAt) : signal.aborted,
        }
      }
    },
    hasKilledStarting() {
      const were = wereStarting
      wereStarting = false
      return were
    },
    async living() {
      for (;;) {
        const living = nodes.filter(({ number }) => isAlive(lives[number]))
        if (living.length > 0) return living
        await delay(LOOK_EVERY_MS)
      }
    },
    async withoutDatabase(meanwhile) {
      lastAway = Number.POSITIVE_INFINITY
      try {
        return await meanwhile()
      } finally {
        lastAway = performance.now()
      }
    },
    async frozen(meanwhile) {
      const { promise, resolve: thaw } = Promise.withResolvers<void>()
      // Nor does any begin.
      thawed = promise
      const frozen = moving()
      const from = performance.now()
      for (const { server } of frozen) server.process.kill('SIGSTOP')
      try {
        await delay(STILL_MS)
        return await meanwhile()
      } finally {
        thaw()
        for (const { server } of frozen) server.process.kill('SIGCONT')
        if (performance.now() - from > FREEZE_MS_MAX) lastAway = performance.now()
      }
    },
    startLater,
    async startAll() {
      startLater(() => 0)
      await Promise.all(waiting.values())
    },
    async stopAll() {
      const codes = await Promise.all(nodes.map(({ number }) => end(number, 'SIGTERM')))
      if (codes.some((code) => code !== 0 && code !== null)) find(`Nodes that were told to stop ended with ${codes}.`)
    },
    async killAll() {
      isOver = true
      await Promise.allSettled(waiting.values())
      await Promise.all(nodes.map((node) => node.kill()))
    },
    logged: (message) => counts.get(message) ?? 0,
  }
}
