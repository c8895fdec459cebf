import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Agent } from 'undici'
import type { ApiClient } from '../../src/client/api-client.ts'
import type { ImportUpdateInput } from '../../src/client/api-types.ts'
import { forEachLimited } from '../../src/services/for-each-limited.ts'
import { startServer } from '../aduana.ts'
import type { Benchmark } from '../benchmark.ts'
import { BUDGETS } from '../budgets.ts'
import { settleDisk } from '../child.ts'
import { alternate, ratios, spreadOf, timeMs } from '../measure.ts'
import { startNginx, startRegistry } from '../peers.ts'
import { importUpdate, publish } from '../publish.ts'
import { type Content, randomContents } from '../source-bytes.ts'

const FILE_BYTES = 64 * 1024
const AT_ONCE = 16
const INSTANCES = ['small-a', 'small-b']
const OPEN = "status eq 'NotStarted' or status eq 'Running'"

export const benchmark: Benchmark = {
  title: 'Sustained small imports',
  method:
    'Updates with one file of 64 KiB each, every one with its own bytes, imported from nginx on loopback: one after the other, and 16 at ' +
    'once in two instances, until the last has succeeded. An import fetches a manifest and a file, checks and flushes both, and publishes. ' +
    'Beside it the same files as blob uploads to Debian’s `docker-registry`, from the same client, which have no manifest.',
  needs: ['nginx', 'docker-registry'],
  diskBytes: () => 1024 ** 3,

  async run({ folder, quick }) {
    await using server = await startNginx(folder)
    await using registry = await startRegistry(folder)
    const flags = INSTANCES.flatMap((instance) => ['--instance', instance])
    await using aduana = await startServer(folder, flags)
    const clients = await Promise.all(INSTANCES.map((instance) => aduana.client('2022', instance)))
    const count = quick ? 40 : 320
    let batches = 0

    async function publishMany(): Promise<ImportUpdateInput[]> {
      batches += 1
      const files = randomContents(count, FILE_BYTES)
      const inputs: ImportUpdateInput[] = []
      for (const [index, { bytes, sha256 }] of files.entries()) {
        const fileName = `small-${batches}-${index}.bin`
        await writeFile(join(server.root, fileName), bytes)
        inputs.push(
          await publish({
            ...server,
            updateId: { provider: 'Contoso', name: `Batch${batches}`, version: `1.${index}` },
            files: [{ fileName, sizeInBytes: FILE_BYTES, sha256 }],
          }),
        )
      }
      await settleDisk()
      return inputs
    }
    async function uploads(limit: number): Promise<number> {
      const files = randomContents(count, FILE_BYTES)
      const agent = new Agent({ connections: limit })
      await settleDisk()
      const ms = await timeMs(() => eachOf(files, limit, (file) => upload(file, registry.origin, agent)))
      await agent.close()
      return (count * 1000) / ms
    }

    const rates = await alternate(quick ? 2 : 5, {
      async serial() {
        const inputs = await publishMany()
        const [client] = clients as [ApiClient]
        return (count * 1000) / (await timeMs(() => eachOf(inputs, 1, (input) => importUpdate(client, input, 1))))
      },
      registrySerial: () => uploads(1),
      async together() {
        const inputs = await publishMany()
        const ms = await timeMs(async () => {
          await eachOf([...inputs.entries()], AT_ONCE, async ([index, input]) => {
            await clients[index % clients.length]?.importUpdate([input])
          })
          for (const client of clients) await allEnded(client)
        })
        return (count * 1000) / ms
      },
      registryTogether: () => uploads(AT_ONCE),
    })
    for (const client of clients) await noneFailed(client)
    return [
      {
        what: 'one after the other',
        unit: '/s',
        aduana: spreadOf(rates.serial),
        peer: { name: 'docker-registry', spread: spreadOf(rates.registrySerial) },
        ratio: spreadOf(ratios(rates.serial, rates.registrySerial)),
        budget: BUDGETS.importSmall,
      },
      {
        what: '16 at once',
        unit: '/s',
        aduana: spreadOf(rates.together),
        peer: { name: 'docker-registry', spread: spreadOf(rates.registryTogether) },
        ratio: spreadOf(ratios(rates.together, rates.registryTogether)),
        budget: BUDGETS.importSmall,
      },
    ]
  },
}

function eachOf<Item>(items: readonly Item[], limit: number, work: (item: Item) => Promise<unknown>): Promise<void> {
  const { signal } = new AbortController()
  return forEachLimited(items, { limit, signal }, async (item) => {
    await work(item)
  })
}

async function upload({ bytes, sha256 }: Content, origin: string, agent: Agent): Promise<void> {
  const begun = await agent.request({ origin, path: '/v2/bench/blobs/uploads/', method: 'POST' })
  await begun.body.dump()
  const place = new URL(String(begun.headers.location), origin)
  place.searchParams.set('digest', `sha256:${sha256}`)
  const done = await agent.request({ origin, path: place.pathname + place.search, method: 'PUT', body: bytes })
  await done.body.dump()
  if (done.statusCode !== 201) throw new Error(`docker-registry answers ${done.statusCode}.`)
}

async function allEnded(client: ApiClient): Promise<void> {
  for (;;) {
    const open = await Array.fromAsync(client.listOperations({ filter: OPEN, top: 1 }))
    if (open.length === 0) return
    await sleep(20)
  }
}

async function noneFailed(client: ApiClient): Promise<void> {
  for await (const { error } of client.listOperations({ filter: "status eq 'Failed'", top: 1 })) {
    throw new Error(`An import failed: ${JSON.stringify(error)}`)
  }
}
