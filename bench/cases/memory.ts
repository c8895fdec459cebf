import { startServer } from '../aduana.ts'
import type { Benchmark, Line } from '../benchmark.ts'
import { BUDGETS } from '../budgets.ts'
import { settleDisk } from '../child.ts'
import { memoryOf } from '../machine.ts'
import { spreadOf } from '../measure.ts'
import { type FileServer, startNginx } from '../peers.ts'
import { ended, publish } from '../publish.ts'
import { type SourceFile, serveFile, sourceFile } from '../source-bytes.ts'

const MiB = 1024 * 1024
const AT_ONCE = 10

const sizes = (quick: boolean) => (quick ? [64 * MiB] : [1024 * MiB, 2048 * MiB])

export const benchmark: Benchmark = {
  title: 'Memory',
  method:
    'The most memory that the server process ever had (`VmHWM`), in a fresh process that imports ten updates at once, each with one file ' +
    'of 1 GiB, and the same with 2 GiB. The updates share their bytes, but none of them is in the store before, so each is fetched and written.',
  needs: ['nginx'],
  diskBytes: (quick) => (AT_ONCE + 2) * Math.max(...sizes(quick)),

  async run({ folder, cache, quick, say }) {
    await using server = await startNginx(folder)
    const lines: Line[] = []
    for (const sizeInBytes of sizes(quick)) {
      const file = await sourceFile(cache, sizeInBytes)
      const title = `${sizeInBytes / MiB} MiB`
      await serveFile(file, server.root, `${title}.bin`.replace(' ', '-'))
      const idle: number[] = []
      const peaks: number[] = []
      for (let run = 0; run < (quick ? 1 : 3); run += 1) {
        const { startMiB, peakMiB } = await importTogether(folder, {
          server,
          file,
          fileName: `${title}.bin`.replace(' ', '-'),
        })
        say(`${AT_ONCE} times ${title}: ${Math.round(peakMiB)} MiB, ${Math.round(startMiB)} MiB after start`)
        idle.push(startMiB)
        peaks.push(peakMiB)
      }
      if (lines.length === 0) lines.push({ what: 'after start', unit: 'MiB', aduana: spreadOf(idle) })
      lines.push({
        what: `${AT_ONCE} imports of ${title} at once`,
        unit: 'MiB',
        aduana: spreadOf(peaks),
        budget: BUDGETS.memoryMiB,
      })
    }
    return lines
  },
}

async function importTogether(
  folder: string,
  { server, file, fileName }: { server: FileServer; file: SourceFile; fileName: string },
): Promise<{ startMiB: number; peakMiB: number }> {
  await using aduana = await startServer(folder)
  const pid = aduana.process.pid ?? 0
  const { peakMiB: startMiB } = await memoryOf(pid)
  const client = await aduana.client()
  const operations: string[] = []
  for (let index = 0; index < AT_ONCE; index += 1) {
    const updateId = { provider: 'Contoso', name: 'Toaster', version: `1.${index}` }
    const input = await publish({ ...server, updateId, files: [{ ...file, fileName }] })
    operations.push((await client.importUpdate([input])).operationId)
  }
  for (const operationId of operations) await ended(client, operationId, 200)
  const { peakMiB } = await memoryOf(pid)
  await settleDisk()
  return { startMiB, peakMiB }
}
