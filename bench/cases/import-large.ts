import { startServer } from '../aduana.ts'
import type { Benchmark } from '../benchmark.ts'
import { BUDGETS } from '../budgets.ts'
import { prepareRace } from '../import-race.ts'
import { alternate, ratios, spreadOf } from '../measure.ts'
import { startNginx } from '../peers.ts'
import { serveFile, sourceFile } from '../source-bytes.ts'

const MiB = 1024 * 1024

const sizeInBytes = (quick: boolean) => (quick ? 256 : 1024) * MiB

export const benchmark: Benchmark = {
  title: 'Import of one large file',
  method:
    'One file of 1 GiB, no scanner, from nginx on loopback; from the request to `Succeeded`. Beside it, with the same file from the ' +
    'same nginx: `curl URL | tee FILE | openssl dgst -sha256; sync FILE`, and what no importer can be faster than, the slower of ' +
    '`curl -o FILE URL` and `openssl dgst -sha256 FILE` (neither of them flushes anything). All in turns, `sync` before each, and nothing is kept.',
  needs: ['curl', 'openssl', 'nginx'],
  diskBytes: (quick) => 3 * sizeInBytes(quick),

  async run({ folder, cache, quick }) {
    const file = await sourceFile(cache, sizeInBytes(quick))
    await using server = await startNginx(folder)
    await using aduana = await startServer(folder)
    await serveFile(file, server.root, 'big.bin')
    const race = await prepareRace({ aduana, server, file, fileName: 'big.bin', folder })

    const costs = await alternate(quick ? 3 : 7, {
      aduana: race.import,
      shell: race.shellPipeline,
      fetch: race.fetchOnly,
      hash: race.hashOnly,
    })
    const [aduanaMs, shellMs, fetchMs, hashMs] = [costs.aduana, costs.shell, costs.fetch, costs.hash].map((list) =>
      list.map(({ ms }) => ms),
    ) as [number[], number[], number[], number[]]
    const limitMs = fetchMs.map((ms, round) => Math.max(ms, hashMs[round] ?? 0))
    const [aduanaProcessor, shellProcessor] = [costs.aduana, costs.shell].map((list) =>
      list.map(({ processorMs }) => processorMs),
    ) as [number[], number[]]
    const shellName = 'curl, tee, openssl dgst, sync'
    return [
      {
        what: 'import against the shell',
        unit: 'ms',
        aduana: spreadOf(aduanaMs),
        peer: { name: shellName, spread: spreadOf(shellMs) },
        ratio: spreadOf(ratios(aduanaMs, shellMs)),
        budget: BUDGETS.importLarge,
      },
      {
        what: 'import against the limit',
        unit: 'ms',
        aduana: spreadOf(aduanaMs),
        peer: { name: 'slower of curl -o and openssl dgst', spread: spreadOf(limitMs) },
        ratio: spreadOf(ratios(aduanaMs, limitMs)),
        budget: BUDGETS.importLimit,
      },
      {
        what: 'time of the processor',
        unit: 'ms',
        aduana: spreadOf(aduanaProcessor),
        peer: { name: shellName, spread: spreadOf(shellProcessor) },
        ratio: spreadOf(ratios(aduanaProcessor, shellProcessor)),
      },
    ]
  },
}
