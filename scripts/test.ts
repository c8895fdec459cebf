// Runs the tests: `npm test` what ends within a few minutes, `npm run test:all` everything.
// Slow tests are called `*.slow.test.ts`. In CI a skipped test is a failure, since nobody would notice it.
import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'

const args = process.argv.slice(2)
const all = args.includes('--all')
const named = args.filter((arg) => !arg.startsWith('--'))
const files =
  named.length > 0
    ? named
    : globSync(['src/**/*.test.ts', 'tests/**/*.test.ts', 'scripts/**/*.test.ts'])
        .filter((file) => all || !file.endsWith('.slow.test.ts'))
        .sort()

// Many tests wait for clocks and other processes, so more run at once than there are cores.
console.log(`Node ${process.version}, ${files.length} test files`)
const options = [
  '--test',
  '--test-concurrency=4',
  '--test-timeout=300000',
  '--test-reporter=spec',
  '--test-reporter-destination=stdout',
]
const child = spawn(process.execPath, [...options, ...files], { stdio: ['ignore', 'pipe', 'inherit'] })

let tail = ''
child.stdout.on('data', (chunk: Buffer) => {
  process.stdout.write(chunk)
  tail = (tail + chunk).slice(-4000)
})
child.on('close', (code) => {
  const skipped = Number(/\bskipped (\d+)/.exec(tail)?.[1] ?? 0)
  if (code === 0 && skipped > 0 && process.env.CI) {
    console.error(`${skipped} tests were skipped; in CI that is a failure.`)
    process.exitCode = 1
    return
  }
  process.exitCode = code ?? 1
})
