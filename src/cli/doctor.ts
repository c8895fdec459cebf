import { examine } from '../compose/doctor.ts'
import { DOCTOR_SETTINGS, KNOWN_SETTINGS } from '../config/command-settings.ts'
import { readSettings } from '../config/read-settings.ts'
import { type Look, lookOf, painted } from './terminal/look.ts'
import { withoutControls } from './terminal/without-controls.ts'

type Report = Awaited<ReturnType<typeof examine>>
export type StepOfReport = Report['steps'][number]

/** A person reads the first ones; all of them are in the JSON. */
const SHOWN_MAX = 20
const TITLE_WIDTH = 14
const PROGRESS_EVERY_MS = 200

/**
 * `aduana doctor`: examines a data folder, or what nodes share, and prints what it found. Answers the exit code: 0 if
 * there is nothing that anybody should act on, else 1. Warnings count, notes do not.
 */
export async function doctor(
  flags: Record<string, string | string[] | undefined>,
  { deep = false, repair = false, json = false }: { deep?: boolean; repair?: boolean; json?: boolean },
): Promise<0 | 1> {
  const config = readSettings(DOCTOR_SETTINGS, { flags, environment: process.env, known: KNOWN_SETTINGS })
  const look = lookOf(process.stdout)
  const progress = progressLine(process.stderr)
  const report = await examine(config, {
    isDeep: deep,
    isRepair: repair,
    onBegin: ({ title }) => progress.show(title),
    onProgress: progress.count,
    onEnd(step) {
      progress.clear()
      if (!json) for (const line of linesOf(step, look)) console.log(line)
    },
  })
  if (json) console.log(JSON.stringify(report, null, 2))
  else console.log(lastLine(report, config.database !== undefined))
  return report.isWell ? 0 : 1
}

function lastLine({ data, database, store, isWell, isServerRunning, steps }: Report, isShared: boolean): string {
  const count = (status: string) => steps.filter((step) => step.status === status).length
  const one = isShared ? 'node' : 'server'
  const server = isServerRunning ? `a ${one} runs` : `no ${one} runs`
  const place = isShared ? `${database} and ${store}` : data
  const words = isWell ? 'All is well' : `${count('problem')} with problems, ${count('warning')} with warnings`
  return `${words} in ${withoutControls(place)} (${server}).`
}

const SIGNS = { ok: '✓', warning: '!', problem: '✗', skipped: '-' } as const
const COLOURS = { ok: 'green', warning: 'yellow', problem: 'red', skipped: 'gray', note: 'gray' } as const

/** The lines about one step: what was looked at, and below it whatever was found. */
export function linesOf(
  { title, status, summary, findings, findingsLeftOut, mended, mendedLeftOut }: StepOfReport,
  look: Pick<Look, 'isTerminal' | 'isColoured'>,
) {
  const paint = (level: keyof typeof COLOURS, text: string) => painted(COLOURS[level], text, look)
  const sign = look.isTerminal ? SIGNS[status] : status.padEnd('problem'.length)
  const lines = [`${paint(status, sign)} ${title.padEnd(TITLE_WIDTH)} ${withoutControls(summary)}`]
  for (const { message } of mended.slice(0, SHOWN_MAX))
    lines.push(`    ${paint('ok', 'mended:')} ${withoutControls(message)}`)
  lines.push(...leftOut(mended.length + mendedLeftOut))
  for (const { level, message } of findings.slice(0, SHOWN_MAX))
    lines.push(`    ${paint(level, `${level}:`)} ${withoutControls(message)}`)
  lines.push(...leftOut(findings.length + findingsLeftOut))
  return lines
}

function leftOut(count: number): string[] {
  return count > SHOWN_MAX ? [`    and ${count - SHOWN_MAX} more; --json names them.`] : []
}

/** One line on a terminal that is written over and over; nothing anywhere else. */
function progressLine(terminal: NodeJS.WriteStream) {
  if (!terminal.isTTY) return { show() {}, count() {}, clear() {} }
  let title = ''
  let shownAt = 0
  const write = (text: string) => terminal.write(`\r\u001b[2K${text}`)
  return {
    show(name: string) {
      title = name
      write(`${title} …`)
    },
    count(doneBytes: number, totalBytes: number) {
      if (Date.now() - shownAt < PROGRESS_EVERY_MS) return
      shownAt = Date.now()
      const percent = totalBytes === 0 ? 100 : Math.floor((100 * doneBytes) / totalBytes)
      write(
        `${title} … ${percent} % (${Math.floor(doneBytes / 1_048_576)} of ${Math.floor(totalBytes / 1_048_576)} MiB)`,
      )
    },
    clear: () => write(''),
  }
}
