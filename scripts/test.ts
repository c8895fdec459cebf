// Runs the tests: `npm test` what ends within a few minutes; `npm run test:slow` what takes longer (`*.slow.test.ts`), and the unit tests that
// need a database or a store once more, on PostgreSQL and Azurite; `npm run test:all` everything: what takes very long (`*.long.test.ts`), too,
// and all that needs a database or a store once more, whole servers included. In CI a skipped test is a failure, since nobody would notice it.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync, readFileSync } from 'node:fs'
import { startAzurite } from '../tests/support/azurite.ts'
import { STORE_VARIABLE } from '../tests/support/new-container.ts'
import { DATABASE_VARIABLE, PORT_VARIABLE } from '../tests/support/open-database.ts'
import { noPostgres, startPostgres } from '../tests/support/postgres.ts'

// Many tests wait for clocks and other processes, so more run at once than there are cores.
const OPTIONS = [
  '--test',
  '--test-concurrency=4',
  '--test-timeout=300000',
  '--test-reporter=spec',
  '--test-reporter-destination=stdout',
]

/** What a test file imports that opens the database which `TEST_DATABASE` names, or the store which `TEST_STORE` names. */
const OPENS_EITHER = /from '[./\w-]*\/(open-database|app-in-memory|start-pipeline)\.ts'/
/** The same, for whole servers. */
const STARTS_SERVERS = /from '[./\w-]*\/(start-aduana|start-nodes)\.ts'/

const args = process.argv.slice(2)
const isAll = args.includes('--all')
const isSlow = args.includes('--slow')
const named = args.filter((arg) => !arg.startsWith('--'))
const everything = globSync(['{src,tests,scripts,portal/src}/**/*.test.ts']).sort()
const wanted = everything.filter((file) => isAll || tierOf(file) === (isSlow ? 'slow' : 'quick'))
const files = named.length > 0 ? named : wanted

console.log(`Node ${process.version}, ${files.length} test files`)
process.exitCode = await run(files)
if (process.exitCode === 0 && (isAll || isSlow) && noPostgres === false) {
  await using server = await startPostgres()
  await using azurite = await startAzurite()
  const again = (named.length > 0 ? named : everything).filter((file) => {
    if (!isAll && (tierOf(file) !== 'quick' || !file.startsWith('src/'))) return false
    const text = readFileSync(file, 'utf8')
    return OPENS_EITHER.test(text) || (isAll && STARTS_SERVERS.test(text))
  })
  console.log(`The same on PostgreSQL and Azurite, ${again.length} test files`)
  process.exitCode = await run(again, {
    [DATABASE_VARIABLE]: 'postgres',
    [PORT_VARIABLE]: String(server.port),
    [STORE_VARIABLE]: 'azblob',
    AZURE_STORAGE_CONNECTION_STRING: azurite.connectionString,
  })
}

/** How long its name says that it takes. */
function tierOf(file: string): 'quick' | 'slow' | 'long' {
  return (/\.(slow|long)\.test\.ts$/.exec(file)?.[1] as 'slow' | 'long' | undefined) ?? 'quick'
}

/** The exit code: 0 if all is well. */
async function run(files: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<number> {
  const child = spawn(process.execPath, [...OPTIONS, ...files], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...environment },
  })
  let tail = ''
  child.stdout.on('data', (chunk: Buffer) => {
    process.stdout.write(chunk)
    tail = (tail + chunk).slice(-4000)
  })
  const [code] = await once(child, 'close')
  const skipped = Number(/\bskipped (\d+)/.exec(tail)?.[1] ?? 0)
  if (code === 0 && skipped > 0 && process.env.CI) {
    console.error(`${skipped} tests were skipped; in CI that is a failure.`)
    return 1
  }
  return code ?? 1
}
