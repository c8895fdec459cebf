// Kills a server under load again and again: `npm run kill -- --kills 500 [--seed N]`; or several that share a PostgreSQL, and that as
// well: `npm run kill -- --kills 100 --nodes 3 [--store azblob]`. Ends with 1 at the first kill after which a promise of docs/guarantees.md is broken, and
// keeps the data and the log. The same seed makes the same load and nearly the same kills.
import { parseArgs } from 'node:util'
import { killAtRandom } from './kill-at-random.ts'
import { killNodes } from './kill-nodes.ts'
import { describeKills } from './kill-report.ts'

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '500' },
    nodes: { type: 'string', default: '1' },
    seed: { type: 'string' },
    store: { type: 'string', default: 'folder' },
  },
})
const kills = Number(values.kills)
const nodes = Number(values.nodes)
const seed = Number(values.seed ?? Date.now() % 1_000_000_000)
if (![kills, nodes, seed].every((number) => Number.isSafeInteger(number) && number >= 0)) {
  console.error('--kills, --nodes and --seed are whole numbers.')
  process.exit(2)
}

console.log(`Node ${process.version}, SQLite ${process.versions.sqlite}, ${nodes} nodes, ${kills} kills, seed ${seed}`)
const begin = performance.now()
const onKill = ({ number, phases, blow }: { number: number; phases: readonly string[]; blow?: string }) =>
  console.log(`kill ${number}: ${blow === undefined ? '' : `${blow}: `}${phases.join(', ')}`)
const report =
  nodes === 1
    ? await killAtRandom({ kills, seed, onKill })
    : await killNodes({ kills, seed, nodes, store: values.store, onKill })
console.log(`\n${describeKills(report)}\ntook ${((performance.now() - begin) / 1000).toFixed(0)} s`)
if (report.findings.length > 0) process.exitCode = 1
