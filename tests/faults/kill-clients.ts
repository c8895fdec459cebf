import { setTimeout as delay } from 'node:timers/promises'
import { type ApiClient, createApiClient } from '../../src/client/api-client.ts'
import { ApiError } from '../../src/client/api-error.ts'
import type { Operation } from '../../src/client/api-types.ts'
import { type SeededRandom, seededRandom } from '../support/seeded-random.ts'
import { INSTANCES, type InstanceName, type KillImport } from './kill-imports.ts'
import { type Ledger, titleOf } from './kill-ledger.ts'
import { readImport, readList } from './kill-reads.ts'
import { nameUploads, sendUpload } from './kill-staging.ts'

/** So many imports are under way, and so many updates are kept, that a check of the folder stays short. */
const UNDER_WAY_MAX = 8
const VISIBLE_MAX = 25
const DELETIONS_AT_ONCE = 10
/** An answer that takes longer is a hang. */
const ANSWER_MS = 30_000
/** Every operation must have ended when nothing else is asked for so long. */
const DRAIN_MS = 60_000

/** A server that clients may ask. */
export interface Target {
  url: string
  /** Aborts when nobody should wait for its answers any more. */
  signal?: AbortSignal
  /** Whether a request to it that began at `begunAt`, by `performance.now()`, may fail like this. */
  excuses?(error: unknown, begunAt: number): boolean
}

/** The clients of one life of a server, or of the time until something is done to several that share everything. */
export interface KillClients {
  /** Asks at this moment for some deletions, as far as there is something to delete. */
  deleteNow(): void
  /** Asks for nothing more, waits until every operation has ended, and finds out what became of requests without an answer. */
  drain(): Promise<void>
  /** From now on requests may fail: to be called right before the kill. */
  leave(): void
  /** Resolves when no request is under way any more. */
  gone(): Promise<unknown>
}

export function startClients({
  ledger,
  reach,
  token,
  random,
}: {
  ledger: Ledger
  /** Answers whom to ask next; waits as long as there is nobody. */
  reach: () => Promise<Target>
  token: string
  random: SeededRandom
}): KillClients {
  let isLeaving = false
  let isDraining = false
  let importsAsked = 0
  const beingStaged = new Set<KillImport>()

  /** Answers undefined where the server died before it answered, or failed as it may. */
  async function ask<T>(
    what: string,
    instance: InstanceName,
    request: (client: ApiClient, target: Target) => Promise<T>,
  ): Promise<T | undefined> {
    const target = await reach()
    const { url, signal = new AbortController().signal } = target
    const fetch = (...[input, options]: Parameters<typeof globalThis.fetch>) =>
      globalThis.fetch(input, { ...options, signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]) })
    const begunAt = performance.now()
    try {
      return await request(createApiClient({ baseUrl: url, token, instance, dialect: '2022', fetch }), target)
    } catch (error) {
      const mayFail = (isLeaving && !(error instanceof ApiError)) || target.excuses?.(error, begunAt)
      if (!mayFail) ledger.find(`${what}: ${describe(error)}`)
      return undefined
    }
  }

  /** Does something again and again, until the server is to die. */
  async function loop(pauseMs: number, round: (random: SeededRandom) => Promise<void>, name: string): Promise<void> {
    const own = seededRandom(random.whole(0, 2 ** 31), name)
    while (!isLeaving && ledger.findings.length === 0) {
      await round(own)
      await delay(pauseMs * 2 * own.fraction())
    }
  }

  async function importOne(own: SeededRandom): Promise<void> {
    if (isDraining || ledger.inState('accepted').length >= UNDER_WAY_MAX) return
    const left = ledger.inState('staging').find((known) => !beingStaged.has(known))
    const planned = left ?? ledger.plan()
    if (planned.state === 'staging' && !(await stage(planned, own))) return
    planned.state = 'asked'
    const inputs = planned.updates.map(({ input }) => input)
    importsAsked += 1
    const accepted = await ask(`importing ${titleOf(planned)}`, planned.instance, (client) =>
      client.importUpdate(inputs),
    )
    importsAsked -= 1
    if (accepted === undefined) {
      ledger.counts.imports.unanswered += 1
      return
    }
    ledger.counts.imports.accepted += 1
    planned.operationId = accepted.operationId
    planned.state = 'accepted'
  }

  /** Uploads what is left of an import. Answers whether all of it is there. */
  async function stage(known: KillImport, own: SeededRandom): Promise<boolean> {
    beingStaged.add(known)
    const { instance, uploads = new Map() } = known
    for (const upload of uploads.values()) {
      const isDone = await ask(`staging ${titleOf(known)}`, instance, async (_client, { url, signal }) => {
        const signals = [AbortSignal.timeout(ANSWER_MS), ...(signal ? [signal] : [])]
        await sendUpload(upload, { url, token, instance, signal: AbortSignal.any(signals), find: ledger.find }, own)
        return true
      })
      if (isDone === undefined || isDraining || isLeaving) {
        beingStaged.delete(known)
        return false
      }
    }
    nameUploads(known)
    ledger.counts.uploads += uploads.size
    return true
  }

  async function deleteOne(own: SeededRandom): Promise<void> {
    const known = own.pick(ledger.inState('visible').filter(({ childDeletionId }) => childDeletionId === undefined))
    if (known === undefined || isDraining) return
    const parent = known.updates.at(-1)!.updateId
    const child = known.updates.length > 1 && own.chance(0.3) ? known.updates[0]!.updateId : undefined
    if (child === undefined) known.state = 'deleting'
    else known.childDeletionId = 'asked'
    const accepted = await ask(`deleting ${titleOf(known)}`, known.instance, (client) =>
      client.deleteUpdate(child ?? parent),
    )
    if (accepted === undefined) ledger.counts.deletions.unanswered += 1
    else ledger.counts.deletions.accepted += 1
    // A deletion that must fail leaves no trace, so it does not matter whether it happened.
    if (child !== undefined && accepted === undefined) delete known.childDeletionId
    else if (child !== undefined && accepted !== undefined) known.childDeletionId = accepted.operationId
    else if (accepted !== undefined) known.deletionId = accepted.operationId
  }

  async function poll(): Promise<void> {
    for (const known of ledger.inState('accepted')) {
      await seeEnd(known, known.operationId, (operation) => ledger.importEnded(known, operation))
    }
    for (const known of ledger.inState('deleting')) {
      await seeEnd(known, known.deletionId, (operation) => ledger.deletionEnded(known, operation))
    }
    for (const known of ledger.inState('visible')) {
      const id = known.childDeletionId === 'asked' ? undefined : known.childDeletionId
      await seeEnd(known, id, (operation) => ledger.childDeletionEnded(known, operation))
    }
  }

  async function seeEnd(known: KillImport, operationId: string | undefined, ended: (operation: Operation) => void) {
    if (operationId === undefined || isLeaving) return
    const operation = await ask(`an operation of ${titleOf(known)}`, known.instance, (client) =>
      client.getOperation(operationId),
    )
    if (operation?.status === 'Succeeded' || operation?.status === 'Failed') ended(operation)
  }

  const read = async (own: SeededRandom) => {
    // What is there, or may be, more often than what was deleted or never came.
    const states = own.chance(0.7)
      ? (['visible', 'deleting', 'accepted'] as const)
      : (['gone', 'absent', 'asked'] as const)
    const known = own.pick(ledger.inState(...states))
    if (known === undefined) return
    await ask(`reading ${titleOf(known)}`, known.instance, (client, target) =>
      readImport(known, { ledger, client, target, random: own }),
    )
  }

  async function recheck(): Promise<void> {
    for (const known of ledger.inState('visible', 'accepted')) {
      const { operationId, state } = known
      if (isLeaving || operationId === undefined) continue
      const operation = await ask(`the operation of ${titleOf(known)} after the restart`, known.instance, (client) =>
        client.getOperation(operationId),
      )
      if (state === 'visible' && operation !== undefined && operation.status !== 'Succeeded') {
        ledger.find(`${titleOf(known)} had succeeded, and is ${operation.status} after the restart.`)
      }
    }
  }

  /** What became of an import whose request got no answer. No import may be under way any more. */
  async function settleImport(known: KillImport): Promise<void> {
    const found = await ask(`settling ${titleOf(known)}`, known.instance, (client) =>
      Promise.all(known.updates.map(({ updateId }) => isThere(client, updateId))),
    )
    if (found === undefined) return
    if (new Set(found).size > 1) ledger.find(`Of ${titleOf(known)} only a part is there: ${found.join(', ')}.`)
    ledger.importSettled(known, found.includes(true))
  }

  /** A deletion whose request got no answer is asked for again: it may be waiting, done, or never have happened. */
  async function repeatDeletion(known: KillImport): Promise<void> {
    const updateId = known.updates.at(-1)!.updateId
    const answer = await ask(`deleting ${titleOf(known)} again`, known.instance, async (client) =>
      (await isThere(client, updateId)) ? await client.deleteUpdate(updateId).catch(ifMissing) : 'missing',
    )
    if (answer === 'missing') ledger.deletionSettled(known)
    if (answer === undefined || answer === 'missing') return
    ledger.counts.deletions.accepted += 1
    known.deletionId = answer.operationId
  }

  async function isImporting(): Promise<boolean> {
    const filter = "status eq 'NotStarted' or status eq 'Running'"
    for (const instance of INSTANCES) {
      const open = await ask('listing operations', instance, (client) =>
        Array.fromAsync(client.listOperations({ filter })),
      )
      if (open === undefined || open.length > 0) return true
    }
    return false
  }

  const loops = [
    recheck(),
    ...[1, 2, 3].map((number) => loop(80, importOne, `import ${number}`)),
    loop(
      30,
      async (own) => {
        if (ledger.inState('visible').length >= VISIBLE_MAX || own.chance(0.1)) await deleteOne(own)
      },
      'delete',
    ),
    loop(20, poll, 'poll'),
    ...[1, 2, 3].map((number) => loop(5, read, `read ${number}`)),
    loop(
      100,
      async (own) => {
        const instance = own.pick(INSTANCES) ?? 'default'
        await ask(`listing ${instance}`, instance, (client) => readList(instance, { ledger, client }))
      },
      'list',
    ),
  ]

  return {
    deleteNow() {
      const own = seededRandom(random.whole(0, 2 ** 31), 'delete now')
      for (let count = 0; count < DELETIONS_AT_ONCE; count += 1) loops.push(deleteOne(own))
    },
    async drain() {
      isDraining = true
      const deadline = Date.now() + DRAIN_MS
      while (ledger.findings.length === 0) {
        for (const known of ledger.inState('deleting')) {
          if (known.deletionId === undefined) await repeatDeletion(known)
        }
        const isWaiting = ledger.imports.some(
          ({ state, childDeletionId }) => ['accepted', 'deleting'].includes(state) || childDeletionId !== undefined,
        )
        if (!isWaiting && importsAsked === 0 && !(await isImporting())) break
        if (Date.now() > deadline) {
          const open = ledger.inState('accepted', 'deleting').map(titleOf).join('; ')
          ledger.find(`After ${DRAIN_MS} ms without new requests these have not ended: ${open}`)
        }
        await delay(20)
      }
      for (const known of ledger.inState('asked')) await settleImport(known)
    },
    leave() {
      isLeaving = true
    },
    gone: () => Promise.all(loops),
  }
}

async function isThere(client: ApiClient, updateId: Parameters<ApiClient['getUpdate']>[0]): Promise<boolean> {
  try {
    await client.getUpdate(updateId)
    return true
  } catch (error) {
    return ifMissing(error) !== 'missing'
  }
}

function ifMissing(error: unknown): 'missing' {
  if (error instanceof ApiError && error.status === 404) return 'missing'
  throw error
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { cause, message } = error
  const status = error instanceof ApiError ? ` (${error.status} ${error.code})` : ''
  return `${message}${status}${cause instanceof Error ? `, ${cause.message}` : ''}`
}
