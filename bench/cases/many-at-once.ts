import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ApiClient } from '../../src/client/api-client.ts'
import { startServer, swept } from '../aduana.ts'
import type { Benchmark, Line } from '../benchmark.ts'
import { BUDGETS } from '../budgets.ts'
import { settleDisk } from '../child.ts'
import { alternate, ratios, spreadOf, timeMs } from '../measure.ts'
import { type FileServer, startNginx } from '../peers.ts'
import { ended, importUpdate, publish } from '../publish.ts'
import { readMeanwhile } from '../readers.ts'
import { randomContents, type SourceFile, serveFile, sourceFile } from '../source-bytes.ts'

const KiB = 1024
const MiB = 1024 * KiB
const IMPORTS = 16
const READERS = 200
const INSTANCES = ['busy', 'calm'] as const
const UPDATE_ID = { provider: 'Contoso', name: 'Toaster', version: '1.0' }

const sizeInBytes = (quick: boolean) => (quick ? 32 : 256) * MiB
const bulkCount = (quick: boolean) => (quick ? 40 : 200)

export const benchmark: Benchmark = {
  title: 'Many at once',
  method:
    '200 readers ask for one update, each about five times a second, while 16 imports of 256 MiB run in two instances; beside it the ' +
    'same readers with no import; once with connections that they have and keep, once with a new one for each request. And fairness: one instance has 200 imports of 4 MiB in the queue when another asks for a single small ' +
    'import; beside it the same import with nothing else to do. Readers and server share the processor.',
  needs: ['nginx'],
  diskBytes: (quick) => (IMPORTS + 4) * sizeInBytes(quick),

  async run({ folder, cache, quick, say }) {
    const file = await sourceFile(cache, sizeInBytes(quick))
    await using server = await startNginx(folder)
    await using aduana = await startServer(
      folder,
      INSTANCES.flatMap((instance) => ['--instance', instance]),
    )
    const busy = await aduana.client('2022', 'busy')
    const calm = await aduana.client('2022', 'calm')
    await serveFile(file, server.root, 'big.bin')

    const lines: Line[] = []
    const [small] = await publishContents(server, { name: 'Small', count: 1, sizeInBytes: 64 * KiB })
    await importUpdate(calm, small!)
    const url = `${aduana.httpUrl}/deviceUpdate/calm/updates/providers/Contoso/names/Small/versions/1.0?api-version=2022-10-01`
    const headers = { authorization: `Bearer ${await aduana.token('--instance', 'calm')}` }
    for (const keepConnections of [true, false]) {
      let importsMs = 5000
      const waits = await alternate(quick ? 1 : 5, {
        async whileImporting() {
          await settleDisk()
          const work = async () => {
            importsMs = await timeMs(() => importTogether([busy, calm], { server, file }))
          }
          const { requests, p99 } = await readMeanwhile(url, { headers, readers: READERS, keepConnections, work })
          say(`${requests} requests during ${Math.round(importsMs)} ms of imports`)
          await deleteAll([busy, calm])
          return p99
        },
        async idle() {
          await settleDisk()
          const work = () => sleep(importsMs)
          return (await readMeanwhile(url, { headers, readers: READERS, keepConnections, work })).p99
        },
      })
      lines.push({
        what: `99 of 100 Get Updates, ${keepConnections ? 'kept connections' : 'new connections'}`,
        unit: 'ms',
        aduana: spreadOf(waits.whileImporting),
        peer: { name: 'the same with no import', spread: spreadOf(waits.idle) },
        ratio: spreadOf(ratios(waits.whileImporting, waits.idle)),
        budget: BUDGETS.readsWhileImporting,
      })
    }

    let round = 0
    const bulkMs: number[] = []
    const nextSmall = async () => {
      round += 1
      const [input] = await publishContents(server, { name: `Single${round}`, count: 1, sizeInBytes: 64 * KiB })
      return input!
    }
    const waits = await alternate(quick ? 1 : 5, {
      async behindBulk() {
        const single = await nextSmall()
        const bulk = await publishContents(server, {
          name: `Bulk${round}`,
          count: bulkCount(quick),
          sizeInBytes: 4 * MiB,
        })
        await settleDisk()
        const begun = performance.now()
        const operations = await Promise.all(bulk.map((input) => busy.importUpdate([input])))
        const ms = await timeMs(() => importUpdate(calm, single))
        for (const { operationId } of operations.toReversed()) await ended(busy, operationId)
        bulkMs.push(performance.now() - begun)
        return ms
      },
      async alone() {
        const single = await nextSmall()
        await settleDisk()
        return await timeMs(() => importUpdate(calm, single))
      },
    })
    lines.push(
      {
        what: `one import behind ${bulkCount(quick)} of another instance`,
        unit: 'ms',
        aduana: spreadOf(waits.behindBulk),
        peer: { name: 'the same with nothing else to do', spread: spreadOf(waits.alone) },
        ratio: spreadOf(ratios(waits.behindBulk, waits.alone)),
      },
      { what: `all ${bulkCount(quick)} of the other instance`, unit: 'ms', aduana: spreadOf(bulkMs.slice(1)) },
    )
    return lines

    async function deleteAll(clients: readonly ApiClient[]): Promise<void> {
      for (const client of clients) {
        for (let index = 0; index < IMPORTS; index += 2) {
          const { operationId } = await client.deleteUpdate({
            ...UPDATE_ID,
            version: `1.${index + clients.indexOf(client)}`,
          })
          await ended(client, operationId)
        }
      }
      // What the readers read stays: a file and its manifest.
      await swept(aduana, 2)
    }
  },
}

/** Imports one file as many updates at once, spread over the clients' instances. */
async function importTogether(
  clients: readonly ApiClient[],
  { server, file }: { server: FileServer; file: SourceFile },
): Promise<void> {
  const runs = Array.from({ length: IMPORTS }, async (_, index) => {
    const updateId = { ...UPDATE_ID, version: `1.${index}` }
    const input = await publish({ ...server, updateId, files: [{ ...file, fileName: 'big.bin' }] })
    const client = clients[index % clients.length]!
    const { operationId } = await client.importUpdate([input])
    await ended(client, operationId, 100)
  })
  await Promise.all(runs)
}

async function publishContents(
  server: FileServer,
  { name, count, sizeInBytes }: { name: string; count: number; sizeInBytes: number },
) {
  const inputs = []
  for (let index = 0; index < count; index += 1) {
    const [{ bytes, sha256 }] = randomContents(1, sizeInBytes) as [{ bytes: Buffer; sha256: string }]
    const fileName = `${name}-${index}.bin`
    await writeFile(join(server.root, fileName), bytes)
    const updateId = { provider: 'Contoso', name, version: `1.${index}` }
    inputs.push(await publish({ ...server, updateId, files: [{ fileName, sizeInBytes, sha256 }] }))
  }
  return inputs
}
