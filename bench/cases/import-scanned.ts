import { link } from 'node:fs/promises'
import { join } from 'node:path'
import { noClamd, startClamd } from '../../tests/support/clamd.ts'
import { startServer, swept } from '../aduana.ts'
import type { Benchmark } from '../benchmark.ts'
import { BUDGETS } from '../budgets.ts'
import { settleDisk } from '../child.ts'
import { alternate, ratios, spreadOf, timeMs } from '../measure.ts'
import { startNginx } from '../peers.ts'
import { importUpdate, publish } from '../publish.ts'
import { scanAlone } from '../scan-alone.ts'
import { sourceFile } from '../source-bytes.ts'

const MiB = 1024 * 1024
const AT_ONCE = 4

/** The largest of the files. Those that come together are as large as this in sum. */
const sizeInBytes = (quick: boolean) => (quick ? 64 : 512) * MiB

export const benchmark: Benchmark = {
  title: 'Import with a malware scanner',
  method:
    'One file of 512 MiB, and four of 128 MiB in one update, imported with a real clamd on a Unix socket, which has a handful of ' +
    'home-made signatures. Beside it the same clamd scanning the same files by `INSTREAM`, as many at once. In turns, and nothing is kept.',
  needs: ['nginx', 'clamd'],
  skip: noClamd,
  diskBytes: (quick) => 6 * sizeInBytes(quick),

  async run({ folder, cache, quick }) {
    const big = await sourceFile(cache, sizeInBytes(quick))
    // As bytes of the same size are the same everywhere, the four differ a little in size.
    const several = await Promise.all(
      Array.from({ length: AT_ONCE }, (_, index) => sourceFile(cache, sizeInBytes(quick) / AT_ONCE + index * MiB)),
    )
    await using clamd = await startClamd()
    await using server = await startNginx(folder)
    await using aduana = await startServer(folder, ['--scanner', clamd.socketUrl])
    const client = await aduana.client()

    const raceOf = async (name: string, files: typeof several) => {
      const named = files.map((file, index) => ({ ...file, fileName: `${name}-${index}.bin` }))
      for (const { path, fileName } of named) await link(path, join(server.root, fileName))
      const updateId = { provider: 'Contoso', name, version: '1.0' }
      const input = await publish({ ...server, updateId, files: named })
      return {
        async import() {
          await settleDisk()
          const ms = await timeMs(() => importUpdate(client, input))
          await client.waitForOperation((await client.deleteUpdate(updateId)).operationId)
          await swept(aduana)
          return ms
        },
        async scan() {
          await settleDisk()
          return await timeMs(() => Promise.all(files.map(({ path }) => scanAlone(clamd.socketUrl, path))))
        },
      }
    }
    const one = await raceOf('one', [big])
    const four = await raceOf('four', several)
    const times = await alternate(quick ? 2 : 5, {
      one: one.import,
      oneAlone: one.scan,
      four: four.import,
      fourAlone: four.scan,
    })
    return [
      {
        what: 'one file',
        unit: 'ms',
        aduana: spreadOf(times.one),
        peer: { name: 'clamd alone', spread: spreadOf(times.oneAlone) },
        ratio: spreadOf(ratios(times.one, times.oneAlone)),
        budget: BUDGETS.importScanned,
      },
      {
        what: 'four files at once',
        unit: 'ms',
        aduana: spreadOf(times.four),
        peer: { name: 'clamd alone', spread: spreadOf(times.fourAlone) },
        ratio: spreadOf(ratios(times.four, times.fourAlone)),
        budget: BUDGETS.importScanned,
      },
    ]
  },
}
