import { createHash, randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ApiClient } from '../../src/client/api-client.ts'
import { forEachLimited } from '../../src/services/for-each-limited.ts'
import { serveBytes, startSource } from '../../tests/support/misbehaving-source.ts'
import { noPostgres, startPostgres } from '../../tests/support/postgres.ts'
import { publishUpdate } from '../../tests/support/publish-update.ts'
import { openNodes } from '../../tests/support/start-nodes.ts'
import type { Benchmark, Line } from '../benchmark.ts'
import { settleDisk } from '../child.ts'
import { alternate, ratios, spreadOf, timeMs } from '../measure.ts'

const FILE_BYTES = 64 * 1024
const INSTANCES = ['blue', 'green']
const OPEN = "status eq 'NotStarted' or status eq 'Running'"
const WORKERS = [1, 2, 4] as const

/** What a source across the world takes for an answer, twice for each import. */
const FAR_MS = 1000

export const benchmark: Benchmark = {
  title: 'Several workers',
  method:
    'One node that answers requests and 1, 2 or 4 that work (`--run worker`), on one PostgreSQL (`fsync` on) and one folder, all on this machine. ' +
    'Updates with one file of 64 KiB, in two instances, all accepted before the workers start, until the last has succeeded. Once from a source that ' +
    'answers at once, which is bound by this machine, and once from one that takes a second for each answer, which is bound by ' +
    'waiting. Beside each number that of one worker in the same run.',
  needs: [],
  skip: noPostgres,
  diskBytes: () => 1024 ** 3,

  async run({ quick, say }) {
    await using postgres = await startPostgres({
      settings: { fsync: 'on', synchronous_commit: 'on', full_page_writes: 'on' },
    })
    await using source = await startSource()

    /** Imports per second. */
    async function measure(workers: number, { count, farMs }: { count: number; farMs: number }): Promise<number> {
      await using nodes = await openNodes({ postgres })
      const instances = INSTANCES.flatMap((instance) => ['--instance', instance])
      const api = await nodes.start(['--run', 'api', '--limit', 'operations=none', ...instances])
      const clients = await Promise.all(INSTANCES.map((instance) => api.client('2022', instance)))
      const inputs = Array.from({ length: count }, () => {
        const bytes = randomBytes(FILE_BYTES)
        const late =
          (body: Uint8Array) =>
          (...args: Parameters<ReturnType<typeof serveBytes>>) =>
            void sleep(farMs).then(() => serveBytes(body)(...args))
        const update = publishUpdate(source, {
          files: [{ name: `${sha256Of(bytes)}.bin`, bytes, behaviour: late(bytes) }],
        })
        source.at(update.paths.get('') ?? '', late(update.manifestBytes))
        return update.input
      })
      const { signal } = new AbortController()
      await forEachLimited([...inputs.entries()], { limit: 16, signal }, async ([index, input]) => {
        await clients[index % clients.length]?.importUpdate([input])
      })
      await settleDisk()
      // They begin with the first claim, and start in a second or so: long runs make that small, and it is alike for all.
      await Promise.all(Array.from({ length: workers }, () => nodes.start(['--run', 'worker'])))
      const left = await countOpen(clients)
      const ms = await timeMs(async () => {
        while (await isAnyOpen(clients)) await sleep(50)
      })
      for (const client of clients) await noneFailed(client)
      const rate = (left * 1000) / ms
      say(`${workers} workers: ${rate.toFixed(1)} imports a second`)
      return rate
    }

    const rounds = quick ? 1 : 3
    const lines: Line[] = []
    for (const [what, farMs, count] of [
      ['bound by the machine', 0, quick ? 60 : 1500],
      ['bound by waiting', FAR_MS, quick ? 30 : 300],
    ] as const) {
      const rates = await alternate(
        rounds,
        Object.fromEntries(WORKERS.map((workers) => [`w${workers}`, () => measure(workers, { farMs, count })])),
      )
      const one = rates.w1 ?? []
      for (const workers of WORKERS) {
        const own = rates[`w${workers}`] ?? []
        lines.push({
          what: `${workers} worker${workers === 1 ? '' : 's'}, ${what}`,
          unit: '/s',
          aduana: spreadOf(own),
          ...(workers > 1 && {
            peer: { name: 'one worker', spread: spreadOf(one) },
            ratio: spreadOf(ratios(own, one)),
          }),
        })
      }
    }
    return lines
  },
}

function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

async function countOpen(clients: readonly ApiClient[]): Promise<number> {
  let open = 0
  for (const client of clients) for await (const _ of client.listOperations({ filter: OPEN })) open += 1
  return open
}

async function isAnyOpen(clients: readonly ApiClient[]): Promise<boolean> {
  for (const client of clients) {
    for await (const _ of client.listOperations({ filter: OPEN, top: 1 })) return true
  }
  return false
}

async function noneFailed(client: ApiClient): Promise<void> {
  for await (const { error } of client.listOperations({ filter: "status eq 'Failed'", top: 1 })) {
    throw new Error(`An import failed: ${JSON.stringify(error)}`)
  }
}
