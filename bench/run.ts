// Measures how fast Aduana is, always beside something else on the same machine in the same run. `npm run bench` runs everything;
// `npm run bench -- import-large` runs what is named; `--list` tells the names; `--quick` only shows that it works and keeps nothing;
// `--folder DIR` is where it writes, on a real disk with some 40 GB free.
import { globSync, rmSync } from 'node:fs'
import { mkdir, mkdtemp, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Benchmark } from './benchmark.ts'
import { keepsTo } from './budgets.ts'
import { settleDisk } from './child.ts'
import { describeMachine } from './machine.ts'
import { findTool, TOOLS, type Tool, toolVersion } from './tools.ts'
import { judged, keepResult, type Result, sectionOf, writePage } from './write-report.ts'

const NAMES = globSync('cases/*.ts', { cwd: import.meta.dirname })
  .map((path) => basename(path, '.ts'))
  .sort()

const { values: options, positionals: named } = parseArgs({
  allowPositionals: true,
  options: {
    list: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    folder: { type: 'string', default: join(tmpdir(), 'aduana-bench') },
  },
})
const unknown = named.filter((name) => !NAMES.includes(name))
if (unknown.length > 0) {
  console.error(`There is no benchmark ${unknown.join(', ')}; there are ${NAMES.join(', ')}.`)
  process.exit(2)
}
if (options.list) {
  for (const name of NAMES) console.log(`${name.padEnd(18)}${(await load(name)).title}`)
  process.exit()
}

// Whatever was started is ended by the handlers of "exit", which signals alone would not run.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

const summary: string[] = []
for (const name of named.length > 0 ? named : NAMES) {
  const benchmark = await load(name)
  const reason = await whyNot(benchmark)
  if (reason !== undefined) {
    summary.push(`${name}: skipped, ${reason}`)
    continue
  }
  try {
    const result = await measure(name, benchmark)
    console.log(`\n${sectionOf(result)}`)
    for (const line of result.lines) {
      if (line.budget === undefined) continue
      const { value, text } = judged(line)
      summary.push(`${name}: ${line.what}: ${text}${keepsTo(line.budget, value) ? '' : ', over its budget'}`)
    }
    if (!options.quick) {
      keepResult(result)
      writePage(NAMES)
    }
  } catch (error) {
    console.error(error)
    summary.push(`${name}: failed, ${error instanceof Error ? error.message : error}`)
    process.exitCode = 1
  }
}
console.log(`\n${summary.join('\n')}`)

async function load(name: string): Promise<Benchmark> {
  const { benchmark } = (await import(`./cases/${name}.ts`)) as { benchmark: Benchmark }
  return benchmark
}

async function whyNot({ needs, skip, diskBytes }: Benchmark): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'it reads what only Linux tells about processes'
  const missing = needs.filter((tool) => findTool(tool) === undefined)
  if (missing.length > 0) return `apt-get install ${missing.map((tool) => TOOLS[tool].package).join(' ')}`
  if (skip) return skip
  await mkdir(options.folder, { recursive: true })
  const { bavail, bsize } = await statfs(options.folder)
  const [free, needed] = [bavail * bsize, diskBytes(options.quick) * 1.1].map((bytes) => Math.ceil(bytes / 1024 ** 3))
  return free! < needed! ? `${options.folder} has ${free} GiB free, and it needs ${needed}` : undefined
}

async function measure(name: string, benchmark: Benchmark): Promise<Result> {
  const { title, method, needs } = benchmark
  const folder = await mkdtemp(join(options.folder, `${name}-`))
  const remove = () => rmSync(folder, { recursive: true, force: true })
  process.once('exit', remove)
  const machine = await describeMachine(folder)
  const tools: Record<string, string> = {}
  for (const tool of needs as readonly Tool[]) tools[tool] = await toolVersion(tool)
  const begun = Date.now()
  try {
    const say = (line: string) => console.error(`${name}: ${line}`)
    say(title)
    const cache = join(options.folder, 'cache')
    const lines = await benchmark.run({ folder, cache, quick: options.quick, say })
    const at = new Date(begun).toISOString()
    return { name, title, method, at, seconds: Math.round((Date.now() - begun) / 1000), machine, tools, lines }
  } finally {
    await rm(folder, { recursive: true, force: true })
    process.removeListener('exit', remove)
    await settleDisk()
  }
}
