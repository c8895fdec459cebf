import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Budget, Line } from './benchmark.ts'
import { keepsTo } from './budgets.ts'
import { drawRatios } from './draw-ratios.ts'
import type { Machine } from './machine.ts'
import { noiseOf, type Spread } from './measure.ts'

/** What one benchmark found, as it is kept. */
export interface Result {
  name: string
  title: string
  method: string
  /** ISO 8601. */
  at: string
  seconds: number
  machine: Machine
  /** Programs that took part, with their versions. */
  tools: Record<string, string>
  lines: Line[]
}

const RESULTS = join(import.meta.dirname, 'results')
const PAGE = join(import.meta.dirname, '../docs/performance.md')
const BEGIN = '<!-- made by npm run bench: begin -->'
const END = '<!-- made by npm run bench: end -->'

/** Runs that are kept of each benchmark: one may have had luck. */
const KEPT = 3

/** Keeps a result, with its picture, and the last ones before it. */
export function keepResult(result: Result): void {
  mkdirSync(RESULTS, { recursive: true })
  const kept = [result, ...readResults(result.name)].slice(0, KEPT)
  writeFileSync(join(RESULTS, `${result.name}.json`), `${JSON.stringify(kept, undefined, 2)}\n`)
  const picture = drawRatios(result.lines)
  if (picture !== undefined) writeFileSync(join(RESULTS, `${result.name}.svg`), picture)
}

/** Writes what is known of these benchmarks into the page, between its two marks. */
export function writePage(names: readonly string[]): void {
  const results = names.map(readResults).filter((kept) => kept.length > 0)
  const page = readFileSync(PAGE, 'utf8')
  const [before, rest] = page.split(BEGIN)
  const after = rest?.split(END)[1]
  if (after === undefined) throw new Error(`${PAGE} lacks the line "${BEGIN}" or "${END}".`)
  writeFileSync(PAGE, `${before}${BEGIN}\n\n${pageOf(results)}\n${END}${after}`)
}

/** The newest first. */
function readResults(name: string): Result[] {
  try {
    return JSON.parse(readFileSync(join(RESULTS, `${name}.json`), 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

function pageOf(results: readonly Result[][]): string {
  if (results.length === 0) return 'Nothing was measured yet.\n'
  const newest = results.flatMap(([result]) => result ?? [])
  return [summaryOf(results), ...newest.map(sectionOf)].join('\n')
}

function summaryOf(results: readonly Result[][]): string {
  const rows = results.flatMap(([newest, ...earlier]) =>
    (newest?.lines ?? []).flatMap((line) => {
      const before = earlier.flatMap(({ lines }) => lines.find(({ what }) => what === line.what) ?? [])
      return line.budget ? [budgetRow(line, line.budget, before)] : []
    }),
  )
  return table(['what', 'beside it', 'budget', 'newest run', 'runs before it', 'kept'], rows)
}

function budgetRow(line: Line, budget: Budget, before: readonly Line[]): string[] {
  const values = [line, ...before].map(judged)
  const kept = values.filter(({ value }) => keepsTo(budget, value)).length
  const [newest = '', ...others] = values.map(({ text }) => text)
  const count = `${kept} of ${values.length}`
  return [
    line.what,
    line.peer?.name ?? '',
    budgetText(line, budget),
    newest,
    others.join(', '),
    kept === values.length ? count : `**${count}**`,
  ]
}

/** The number that a budget is about. */
export function judged({ ratio, aduana, unit }: Line): { value: number; text: string } {
  return ratio
    ? { value: ratio.median, text: `${number(ratio.median)} ×` }
    : { value: aduana.median, text: `${number(aduana.median)} ${unit}` }
}

function budgetText({ ratio, unit }: Line, { atMost, atLeast }: Budget): string {
  const suffix = ratio ? '×' : unit
  return atMost === undefined ? `≥ ${atLeast} ${suffix}` : `≤ ${atMost} ${suffix}`
}

/** One benchmark for people: also what the command prints. */
export function sectionOf(result: Result): string {
  const { name, title, method, lines, machine, tools, at } = result
  const hasTails = lines.some(({ tail }) => tail !== undefined)
  const rows = lines.map((line) => [
    line.what,
    line.unit,
    spreadText(line.aduana),
    ...(hasTails ? [line.tail ? number(line.tail.p99) : ''] : []),
    line.peer?.name ?? '',
    line.peer ? spreadText(line.peer.spread) : '',
    line.ratio ? spreadText(line.ratio) : '',
    noiseOf(line.ratio ?? line.aduana),
  ])
  const head = [
    '',
    'unit',
    'Aduana',
    ...(hasTails ? ['99 of 100'] : []),
    'beside it',
    'its value',
    'ratio',
    'runs were',
  ]
  const peers = Object.entries(tools)
    .map(([tool, version]) => `${tool} ${version}`)
    .join(', ')
  return [
    `### ${title}\n`,
    `${method}\n`,
    table(head, rows),
    ...(drawRatios(lines) === undefined ? [] : [`![Ratios of ${name}](../bench/results/${name}.svg)\n`]),
    `${at.slice(0, 10)}, ${machine.commit}; ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB; Linux ${machine.kernel}, ` +
      `${machine.filesystem.replaceAll(/\s+/g, ' ')}; Node ${machine.node}; load ${machine.loadBefore} before it began${peers && `; ${peers}`}.\n`,
  ].join('\n')
}

/** Median, and in brackets the smallest and the largest. */
function spreadText({ median, min, max, runs }: Spread): string {
  return runs === 1 ? number(median) : `${number(median)} (${number(min)} to ${number(max)})`
}

/** Three digits are more than the noise leaves. */
export function number(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en')
  return String(Number(value.toPrecision(3)))
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`
  return line(head) + line(head.map(() => '---')) + rows.map(line).join('')
}
