// Two budgets in small, so that nothing becomes much slower without anybody noticing. Ratios only, and the best of several, since
// other work on the machine makes a run slower but never faster. What is allowed is half as much again as the budget.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Agent } from 'undici'
import { startServer } from '../bench/aduana.ts'
import { BUDGETS, keepsTo } from '../bench/budgets.ts'
import { type Cost, prepareRace } from '../bench/import-race.ts'
import { processorMsOf } from '../bench/machine.ts'
import { alternate } from '../bench/measure.ts'
import { startFileServer } from '../bench/peers.ts'
import { serveFile, sourceFile } from '../bench/source-bytes.ts'
import { findTool } from '../bench/tools.ts'
import { type Asked, prepareUpdateRace } from '../bench/update-race.ts'

const MiB = 1024 * 1024
const SLACK = 0.5

const noShell = findTool('curl') && findTool('openssl') ? false : 'needs curl and openssl: apt-get install curl openssl'
const noProc = process.platform === 'linux' ? false : 'needs what Linux tells about processes'

let folder: string

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'aduana-guard-'))
})

after(async () => {
  await rm(folder, { recursive: true, force: true })
})

test('an import costs not much more than the shell', { skip: noShell || noProc }, async () => {
  const file = await sourceFile(folder, 256 * MiB)
  await using server = await startFileServer(folder)
  await using aduana = await startServer(folder)
  await serveFile(file, server.root, 'big.bin')
  const race = await prepareRace({ aduana, server, file, fileName: 'big.bin', folder })
  const costs = await alternate(4, { aduana: race.import, shell: race.shellPipeline })
  const best = (list: readonly Cost[], kind: keyof Cost) => Math.min(...list.map((cost) => cost[kind]))
  const ratio = (kind: keyof Cost) => best(costs.aduana, kind) / best(costs.shell, kind)
  // By the clock the shell gains on a busy machine, since it has three processes to our one. What needs no longer by the clock, or
  // no more of the processor, is not slow.
  assertKept('import', Math.min(ratio('ms'), ratio('processorMs')), BUDGETS.importLarge)
})

test('Get Update costs not much more than a bare route', { skip: noProc }, async () => {
  await using race = await prepareUpdateRace(folder)
  // The time of the processor, not of the clock: the one that asks shares the machine, and may be the slower of the two.
  const costs = await alternate(4, { aduana: () => costOf(race.aduana), bare: () => costOf(race.bare) })
  const rateAgainstBare = Math.min(...costs.bare) / Math.min(...costs.aduana)
  assertKept('Get Update', rateAgainstBare, BUDGETS.readUpdate)
})

function assertKept(what: string, ratio: number, budget: { atMost?: number; atLeast?: number }): void {
  const text = `${what}: ${ratio.toFixed(2)} times what stands beside it; the budget is ${JSON.stringify(budget)}`
  assert.ok(keepsTo(budget, ratio, SLACK), `${text}. Run "npm run bench" to see more.`)
}

const REQUESTS = 8000
const CONNECTIONS = 16

/** Milliseconds of processor that the server used for some thousand requests. */
async function costOf({ url, headers, pid }: Asked): Promise<number> {
  const { origin, pathname, search } = new URL(url)
  const agent = new Agent({ connections: CONNECTIONS })
  const begun = await processorMsOf(pid)
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      for (let index = 0; index < REQUESTS / CONNECTIONS; index += 1) {
        const { statusCode, body } = await agent.request({ origin, path: pathname + search, method: 'GET', headers })
        await body.dump()
        assert.equal(statusCode, 200)
      }
    }),
  )
  await agent.close()
  return (await processorMsOf(pid)) - begun
}
