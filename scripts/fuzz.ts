// Sends hostile inputs to the API, the manifest reader and the token verifier: `node scripts/fuzz.ts --runs 200000 [--seed N]`.
// The same numbers make the same inputs, but for the signatures of tokens. Ends with 1 at the first input for which a promise does not hold, and prints it.
import { parseArgs } from 'node:util'
import { fuzz } from '../tests/fuzz/run-fuzz.ts'

const { values } = parseArgs({ options: { runs: { type: 'string', default: '200000' }, seed: { type: 'string' } } })
const runs = Number(values.runs)
const seed = Number(values.seed ?? Date.now() % 1_000_000_000)
if (![runs, seed].every((number) => Number.isSafeInteger(number) && number >= 0)) {
  console.error('--runs and --seed are whole numbers.')
  process.exit(2)
}

console.log(`Node ${process.version}, ${runs} runs, seed ${seed}`)
const begin = performance.now()
const { outcomes, slowest, failure } = await fuzz({
  runs,
  seed,
  // So that an input that never ends can be found: it is of the batch that follows the last one printed.
  onBatch: ({ kind, seed, runs }) => console.log(`${kind}: ${runs} with seed ${seed}`),
})
for (const [kind, counts] of Object.entries(outcomes)) {
  const sorted = Object.entries(counts).sort(([, a], [, b]) => b - a)
  console.log(`\n${kind}: ${sorted.map(([outcome, count]) => `${outcome} ${count}`).join(', ')}`)
}
console.log(`\nslowest: ${slowest.ms.toFixed(1)} ms, ${slowest.kind}: ${slowest.input.slice(0, 500)}`)
console.log(`took ${((performance.now() - begin) / 1000).toFixed(1)} s`)
if (failure) {
  console.error(`\nFAILED with seed ${failure.seed}: ${failure.kind}: ${failure.reason}\n${failure.counterexample}`)
  process.exitCode = 1
}
