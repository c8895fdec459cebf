// Kills a server under load again and again: `npm run kill -- --kills 500 [--seed N]`. Ends with 1 at the first kill after which a promise
// of docs/guarantees.md is broken, and keeps the data folder and the log. The same seed makes the same load and nearly the same kills.
import { parseArgs } from 'node:util'
import { killAtRandom } from './kill-at-random.ts'
import { describeKills } from './kill-report.ts'

const { values } = parseArgs({ options: { kills: { type: 'string', default: '500' }, seed: { type: 'string' } } })
const kills = Number(values.kills)
const seed = Number(values.seed ?? Date.now() % 1_000_000_000)
if (![kills, seed].every((number) => Number.isSafeInteger(number) && number >= 0)) {
  console.error('--kills and --seed are whole numbers.')
  process.exit(2)
}

console.log(`Node ${process.version}, SQLite ${process.versions.sqlite}, ${kills} kills, seed ${seed}`)
const begin = performance.now()
const report = await killAtRandom({
  kills,
  seed,
  onKill: ({ number, phases }) => console.log(`kill ${number}: ${phases.join(', ')}`),
})
console.log(`\n${describeKills(report)}\ntook ${((performance.now() - begin) / 1000).toFixed(0)} s`)
if (report.findings.length > 0) process.exitCode = 1
