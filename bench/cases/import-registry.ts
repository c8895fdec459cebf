import { startServer } from '../aduana.ts'
import type { Benchmark } from '../benchmark.ts'
import { BUDGETS } from '../budgets.ts'
import { settleDisk, shell } from '../child.ts'
import { prepareRace } from '../import-race.ts'
import { alternate, ratios, spreadOf, timeMs } from '../measure.ts'
import { startNginx, startRegistry } from '../peers.ts'
import { serveFile, sourceFile } from '../source-bytes.ts'

const MiB = 1024 * 1024

const sizeInBytes = (quick: boolean) => (quick ? 256 : 1024) * MiB

const UPLOAD = `
  place=$(curl -sSf -D - -o /dev/null -X POST "$ORIGIN/v2/bench/blobs/uploads/" | tr -d '\\r' | awk 'tolower($1) == "location:" { print $2 }')
  curl -sSf -o /dev/null -T "$FILE" -H 'content-type: application/octet-stream' "$place&digest=sha256:$SHA256"`

export const benchmark: Benchmark = {
  title: 'Import against an upload to a container registry',
  method:
    'The same file of 1 GiB: imported from nginx on loopback, and uploaded with curl as one blob to Debian’s `docker-registry` over the ' +
    'file system, which checks its SHA-256 and flushes it. In turns, `sync` before each, and nothing is kept.',
  needs: ['curl', 'nginx', 'docker-registry'],
  diskBytes: (quick) => 3 * sizeInBytes(quick),

  async run({ folder, cache, quick }) {
    const file = await sourceFile(cache, sizeInBytes(quick))
    await using server = await startNginx(folder)
    await using registry = await startRegistry(folder)
    await using aduana = await startServer(folder)
    await serveFile(file, server.root, 'big.bin')
    const race = await prepareRace({ aduana, server, file, fileName: 'big.bin', folder })

    const times = await alternate(quick ? 2 : 5, {
      aduana: async () => (await race.import()).ms,
      async registry() {
        await settleDisk()
        const ms = await timeMs(() => shell(UPLOAD, { ORIGIN: registry.origin, FILE: file.path, SHA256: file.sha256 }))
        await registry.clear()
        return ms
      },
    })
    return [
      {
        what: 'import against an upload',
        unit: 'ms',
        aduana: spreadOf(times.aduana),
        peer: { name: 'docker-registry', spread: spreadOf(times.registry) },
        ratio: spreadOf(ratios(times.aduana, times.registry)),
        budget: BUDGETS.importRegistry,
      },
    ]
  },
}
