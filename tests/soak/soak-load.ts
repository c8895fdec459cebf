import { createHash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { Agent, fetch as undiciFetch } from 'undici'
import { createApiClient } from '../../src/client/api-client.ts'
import { ApiError } from '../../src/client/api-error.ts'
import type { MisbehavingSource } from '../support/misbehaving-source.ts'
import { importAndWait, operationEnd } from '../support/operation-end.ts'
import { type SeededRandom, seededRandom } from '../support/seeded-random.ts'
import { forgetImport, planImport, type SoakImport } from './soak-imports.ts'

const IMPORTERS = 4
/** A steady pace, where the machine keeps it: what waits for a sweep is as much as comes in between, and must not look like growth. */
const IMPORTS_PER_SECOND = 25
const READERS = 2
const READ_PAUSE_MS = 15
const OPERATION_MS_MAX = 60_000

export interface SoakCounts {
  /** Imports that ended, and among them, by kind. */
  imports: { ended: number; succeeded: number; failed: number }
  kinds: Record<string, number>
  deletions: { succeeded: number; refused: number }
  reads: { answered: number; refused: number; contents: number; brokenOff: number }
}

export interface SoakLoad {
  counts: SoakCounts
  /** Everything that must not have happened, in sentences. */
  findings: string[]
  operationsEnded(): number
  /** Resolves when `imports` were made, or `until` is there, everything has ended, and no connection is open any more. */
  ended: Promise<void>
}

export interface SoakLoadOptions {
  url: string
  token: string
  source: MisbehavingSource
  seed: number
  imports: number
  /** In milliseconds since 1970. */
  until: number
  /** How many imports stay in the catalogue: for each further one the oldest is deleted. */
  catalogue: number
}

/** Puts a server to work: imports of many kinds, deletions, reads and downloads, side by side. */
export function startSoakLoad({ url, token, source, seed, imports, until, catalogue }: SoakLoadOptions): SoakLoad {
  // Of its own, so that it can be closed: what an idle server holds then is its own.
  const agent = new Agent()
  const fetch = ((address: string | URL, options?: object) =>
    undiciFetch(address, { ...options, dispatcher: agent })) as unknown as typeof globalThis.fetch
  const client = createApiClient({ baseUrl: url, token, instance: 'default', dialect: '2022', fetch })
  const living: SoakImport[] = []
  const findings: string[] = []
  const counts: SoakCounts = {
    imports: { ended: 0, succeeded: 0, failed: 0 },
    kinds: {},
    deletions: { succeeded: 0, refused: 0 },
    reads: { answered: 0, refused: 0, contents: 0, brokenOff: 0 },
  }
  let begun = 0
  let nextAt = performance.now()
  let isImporting = true

  async function importOne(): Promise<void> {
    begun += 1
    const number = begun
    // Time that a busy machine has lost is not made up for.
    nextAt = Math.max(nextAt + 1000 / IMPORTS_PER_SECOND, performance.now())
    await delay(Math.max(0, nextAt - performance.now()))
    const planned = planImport({ source, seed, number, living })
    const { kind, updates, isGood } = planned
    const { status, error } = await importAndWait(
      client,
      updates.map(({ input }) => input),
    )
    counts.imports.ended += 1
    counts.kinds[kind] = (counts.kinds[kind] ?? 0) + 1
    if ((status === 'Succeeded') !== isGood) findings.push(`${kind}: ${status} ${JSON.stringify(error ?? {})}`)
    forgetImport(source, planned)
    if (status !== 'Succeeded') {
      counts.imports.failed += 1
      return
    }
    counts.imports.succeeded += 1
    living.push(planned)
    if (living.length > catalogue) await deleteOldest()
  }

  async function deleteOldest(): Promise<void> {
    const oldest = living.shift()
    const [first, ...others] = oldest?.updates ?? []
    const last = others.at(-1) ?? first
    if (first === undefined || last === undefined) return
    if (others.length > 0) {
      const { error } = await ended(await client.deleteUpdate(first.updateId))
      if (error?.code !== 'UpdateInUse') findings.push(`A child was deleted: ${JSON.stringify(error ?? {})}`)
      counts.deletions.refused += 1
    }
    const { status, error } = await ended(await client.deleteUpdate(last.updateId))
    if (status !== 'Succeeded') findings.push(`A deletion failed: ${JSON.stringify(error ?? {})}`)
    counts.deletions.succeeded += 1
  }

  const ended = ({ operationId }: { operationId: string }) => operationEnd(client, operationId, OPERATION_MS_MAX)

  async function readOne(random: SeededRandom): Promise<void> {
    const known = random.pick(living)
    const update = random.pick(known?.updates ?? [])
    if (known === undefined || update === undefined) return
    try {
      await random.pick([readUpdate, readUpdate, readLists, readWhatIsRefused])!(update.updateId, random)
    } catch (error) {
      // It may have been deleted meanwhile.
      if (!(error instanceof ApiError && error.status === 404 && !living.includes(known))) throw error
    }
  }

  async function readUpdate(updateId: Parameters<typeof client.getUpdate>[0], random: SeededRandom): Promise<void> {
    const { files } = await client.getUpdateWithContent(updateId)
    counts.reads.answered += 1
    const file = random.pick(files)
    if (file === undefined) return
    const answer = await fetch(file.contentUrl)
    if (answer.status === 404) return
    if (random.chance(0.2)) {
      await answer.body?.cancel()
      counts.reads.brokenOff += 1
      return
    }
    const content = Buffer.from(await answer.arrayBuffer())
    const digest = createHash('sha256').update(content).digest('base64')
    if (digest !== file.hashes.sha256) findings.push(`${file.contentUrl} answered ${answer.status} with other bytes.`)
    counts.reads.contents += 1
  }

  async function readLists({ provider, name }: { provider: string; name: string }): Promise<void> {
    for await (const _ of client.listUpdates({ search: name })) break
    for await (const _ of client.listOperations({ top: 20 })) break
    for await (const _ of client.listVersions({ provider, name })) break
    counts.reads.answered += 3
  }

  /** Each in its own way: no token, nobody's token, no such update, no such path, no such address. */
  async function readWhatIsRefused(_: unknown, random: SeededRandom): Promise<void> {
    const updates = `${url}/deviceUpdate/default/updates`
    const number = random.whole(0, 1_000_000)
    const own = { authorization: `Bearer ${token}` }
    const questions: [string, Record<string, string>][] = [
      [`${updates}?api-version=2022-10-01`, {}],
      [`${updates}?api-version=2022-10-01`, { authorization: `Bearer ${token.slice(0, -8)}${number}` }],
      [`${updates}/providers/No${number}/names/b/versions/1.0?api-version=2022-10-01`, own],
      [`${url}/no/such/path/${number}`, own],
      [`${url}/content/${String(number).padStart(32, '0')}/file-0.bin`, {}],
    ]
    for (const [address, headers] of questions) {
      const answer = await fetch(address, { headers })
      await answer.arrayBuffer()
      if (answer.status < 400 || answer.status > 404) findings.push(`${address} answered ${answer.status}.`)
      counts.reads.refused += 1
    }
  }

  /** A finding ends everything: what comes after it would say nothing new. */
  async function loop(isDone: () => boolean, step: () => Promise<void>): Promise<void> {
    try {
      while (!isDone() && findings.length === 0) await step()
    } catch (error) {
      findings.push(String((error as Error).stack))
    }
  }

  const importing = Promise.all(
    Array.from({ length: IMPORTERS }, () => loop(() => begun >= imports || Date.now() > until, importOne)),
  )
  const reading = Array.from({ length: READERS }, (_, index) => {
    const random = seededRandom(seed, `reader ${index}`)
    return loop(
      () => !isImporting,
      async () => {
        await readOne(random)
        await delay(READ_PAUSE_MS)
      },
    )
  })
  return {
    counts,
    findings,
    operationsEnded: () => counts.imports.ended + counts.deletions.succeeded + counts.deletions.refused,
    ended: (async () => {
      await importing
      isImporting = false
      await Promise.all(reading)
      await agent.close()
    })(),
  }
}
