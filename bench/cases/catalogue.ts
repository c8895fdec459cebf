import { statSync } from 'node:fs'
import { join } from 'node:path'
import { Agent } from 'undici'
import { type Aduana, startAduana } from '../../tests/support/start-aduana.ts'
import type { Benchmark, Line } from '../benchmark.ts'
import { BUDGETS } from '../budgets.ts'
import { catalogueReads, type Read } from '../catalogue-reads.ts'
import { filledCatalogue, INSTANCES } from '../fill-catalogue.ts'
import { memoryOf } from '../machine.ts'
import { alternate, percentile, ratios, spreadOf } from '../measure.ts'

const MiB = 1024 * 1024
const SMALL = 1000

const largeCount = (quick: boolean) => (quick ? 20_000 : 1_000_000)

/** Of one read in one round; a slow one is asked less often. */
const REQUESTS = 60
const PATIENCE_MS = 3000

export const benchmark: Benchmark = {
  title: 'A large catalogue',
  method:
    'Ten instances with 1,000,000 updates together, half of them in the instance that is asked, beside ten with 1,000; both filled through ' +
    'the functions that imports publish with, and both with enough entries for full pages of each list. Every read is asked of both servers in turns over one ' +
    'connection, 60 times a round, single documents all over the catalogue. Values are medians of rounds.',
  needs: [],
  diskBytes: (quick) => 8000 * largeCount(quick),

  async run({ cache, quick, say }) {
    const count = largeCount(quick)
    const folders = {
      small: await filledCatalogue(cache, SMALL, say),
      large: await filledCatalogue(cache, count, say),
    }
    const title = count.toLocaleString('en')
    const peer = `${SMALL.toLocaleString('en')} updates`
    const start = await compareStarts(folders, quick ? 2 : 5)
    const lines: Line[] = [
      { what: `start with ${title} updates`, unit: 'ms', aduana: spreadOf(start.large), budget: BUDGETS.startMs },
      {
        what: 'start, against a small catalogue',
        unit: 'ms',
        aduana: spreadOf(start.large),
        peer: { name: peer, spread: spreadOf(start.small) },
        ratio: spreadOf(ratios(start.large, start.small)),
      },
    ]

    await using small = await openServer(folders.small)
    await using large = await openServer(folders.large)
    const kinds = (await catalogueReads(folders.large)).entries()
    const smallKinds = await catalogueReads(folders.small)
    for (const [index, read] of kinds) {
      say(read.title)
      await assertSameLength([small, smallKinds[index]!], [large, read])
      const waited: number[] = []
      const medians = await alternate(quick ? 2 : 5, {
        small: async () => percentile(await ask(small, smallKinds[index]!), 0.5),
        large: async () => {
          const ms = await ask(large, read)
          waited.push(...ms)
          return percentile(ms, 0.5)
        },
      })
      waited.sort((a, b) => a - b)
      lines.push({
        what: read.title,
        unit: 'ms',
        aduana: spreadOf(medians.large),
        tail: { p90: percentile(waited, 0.9), p99: percentile(waited, 0.99) },
        peer: { name: peer, spread: spreadOf(medians.small) },
        ratio: spreadOf(ratios(medians.large, medians.small)),
        budget: BUDGETS.catalogueRead,
      })
    }

    const memory = [(await memoryOf(large.pid)).peakMiB, (await memoryOf(small.pid)).peakMiB] as const
    const bytes = [folders.large, folders.small].map((folder) => statSync(join(folder, 'aduana.db')).size / MiB)
    lines.push(
      figure('peak memory after all these reads', peer, memory),
      figure('size of the database', peer, [bytes[0]!, bytes[1]!]),
    )
    return lines
  },
}

function figure(what: string, peer: string, [large, small]: readonly [number, number]): Line {
  return {
    what,
    unit: 'MiB',
    aduana: spreadOf([large]),
    peer: { name: peer, spread: spreadOf([small]) },
    ratio: spreadOf([large / small]),
  }
}

async function compareStarts(folders: { small: string; large: string }, rounds: number) {
  async function start(folder: string): Promise<number> {
    const begun = performance.now()
    const aduana = await startAduana({ folder })
    const ms = performance.now() - begun
    await aduana.stop()
    return ms
  }
  return await alternate(rounds, { small: () => start(folders.small), large: () => start(folders.large) })
}

interface OpenServer extends AsyncDisposable {
  url: string
  headers: Record<string, string>
  agent: Agent
  pid: number
}

/** Its folder stays afterwards, since it took long to fill. */
async function openServer(folder: string): Promise<OpenServer> {
  const aduana: Aduana = await startAduana({ folder })
  const agent = new Agent({ connections: 1 })
  return {
    url: aduana.httpUrl,
    headers: { authorization: `Bearer ${await aduana.token('--instance', INSTANCES[0]!)}` },
    agent,
    pid: aduana.process.pid ?? 0,
    async [Symbol.asyncDispose]() {
      await agent.close()
      await aduana.stop()
    },
  }
}

/** A ratio of two pages means nothing where one is longer. Documents come from all over the catalogue, and even out. */
async function assertSameLength(small: [OpenServer, Read], large: [OpenServer, Read]): Promise<void> {
  if (large[1].path(0) !== large[1].path(1)) return
  const [length, largeLength] = await Promise.all([small, large].map(([server, read]) => pageLength(server, read)))
  if (length !== largeLength)
    throw new Error(`${large[1].title}: ${length} entries in the small catalogue, ${largeLength} in the large one.`)
}

async function pageLength({ url, headers, agent }: OpenServer, { path }: Read): Promise<number> {
  const { body } = await agent.request({ origin: url, path: path(0), method: 'GET', headers })
  return ((await body.json()) as { value: unknown[] }).value.length
}

/** Asks one after the other. Answers the time of each in milliseconds, in ascending order. */
async function ask({ url, headers, agent }: OpenServer, { path }: Read): Promise<number[]> {
  const waited: number[] = []
  const until = performance.now() + PATIENCE_MS
  for (let index = 0; index < REQUESTS && performance.now() < until; index += 1) {
    const asked = path(index)
    const begun = performance.now()
    const { statusCode, body } = await agent.request({ origin: url, path: asked, method: 'GET', headers })
    await body.text()
    waited.push(performance.now() - begun)
    if (statusCode !== 200) throw new Error(`${asked} answers ${statusCode}.`)
  }
  return waited.sort((a, b) => a - b)
}
