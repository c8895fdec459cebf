// Lets a real server work for long and plots what it holds: `npm run soak -- --imports 20000 [--minutes M] [--seed S] [--out FILE.svg]`.
// Ends after so many imports or minutes, whichever comes first. Writes the plot, and every sample beside it as JSON. Ends with 1 if a line
// of the plot is not flat in the second half of the run, by the bounds in tests/soak/lines.ts, or anything else went wrong.
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { describeSoak } from '../tests/soak/describe-soak.ts'
import { drawLines } from '../tests/soak/draw-lines.ts'
import { runSoak } from '../tests/soak/run-soak.ts'

const { values } = parseArgs({
  options: {
    imports: { type: 'string', default: '20000' },
    minutes: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
    out: { type: 'string', default: join(tmpdir(), 'aduana-soak.svg') },
  },
})
const [imports, minutesMax, seed] = [values.imports, values.minutes, values.seed].map(Number) as [
  number,
  number,
  number,
]
if (![imports, minutesMax, seed].every((number) => Number.isSafeInteger(number) && number >= 0)) {
  console.error('--imports, --minutes and --seed are whole numbers.')
  process.exit(2)
}
if (!values.out.endsWith('.svg')) {
  console.error('--out names the plot: its name ends with .svg.')
  process.exit(2)
}

console.log(`Node ${process.version}, SQLite ${process.versions.sqlite}, ${imports} imports, seed ${seed}`)
let saidAt = 0
const report = await runSoak({
  imports,
  minutesMax,
  seed,
  onSample: ({ seconds, operations }) => {
    if (seconds < saidAt + 30) return
    saidAt = seconds
    console.log(`${seconds.toFixed(0)} s: ${operations} operations`)
  },
})
const { counts, seconds } = report
const title =
  `${counts.imports.ended} imports (${counts.imports.failed} failed) and ${counts.deletions.succeeded} deletions ` +
  `in ${(seconds / 60).toFixed(0)} minutes, against the operations that had ended`
await writeFile(values.out, drawLines({ title, ...report }))
await writeFile(values.out.replace(/svg$/, 'json'), `${JSON.stringify(report)}\n`)
console.log(`\n${describeSoak(report)}\nplot: ${values.out}`)
if (report.findings.length > 0) process.exitCode = 1
