import { setTimeout as sleep } from 'node:timers/promises'
import type { ApiClient } from '../../client/api-client.ts'
import type { Rescan } from '../../client/api-types.ts'
import { CLIENT_SETTINGS, KNOWN_SETTINGS } from '../../config/command-settings.ts'
import { readSettings } from '../../config/read-settings.ts'
import { formatUpdateId } from '../../domain/update-id.ts'
import { connections } from '../connect.ts'
import { print } from '../output.ts'
import { withoutControls } from '../terminal/without-controls.ts'

const POLL_MS = 500
/** In a large catalogue the server has to count: it shall not be busy with that. */
const POLL_SHARE = 10
/** Where there is no terminal, a line at most this often. */
const LINE_EVERY_MS = 10_000

/** Infected, then not scanned: the worse one counts. */
const EXIT_CODES = { clean: 0, infected: 2, notScanned: 3 } as const
type ExitCode = (typeof EXIT_CODES)[keyof typeof EXIT_CODES]

/**
 * `aduana rescan`: asks a server to scan again what it has, shows how it goes, and ends with a sentence about each instance. Answers the
 * exit code: 0 if everything is clean, 2 if something is infected, 3 if something could not be scanned.
 */
export async function rescan(
  flags: Record<string, string | string[] | undefined>,
  { all = false, wait, json = false }: { all?: boolean; wait: boolean; json?: boolean },
): Promise<ExitCode> {
  const config = readSettings(CLIENT_SETTINGS, { flags, environment: process.env, known: KNOWN_SETTINGS })
  const outcomes: Rescan[] = []
  for (const { instance, client } of await connections(config, { role: 'Device Update Content Administrator' })) {
    let outcome = await client.startRescan({ everything: all })
    if (wait) {
      const progress = json ? { show() {}, clear() {} } : progressOn(process.stdout)
      outcome = await untilEnded(client, (rescan) => progress.show(progressLine(instance, rescan)))
      progress.clear()
      outcomes.push(outcome)
    }
    if (json) console.log(JSON.stringify({ instance, ...outcome }))
    else for (const line of wait ? lastLines(instance, outcome) : [askedLine(instance, outcome)]) print(line)
  }
  return exitCodeOf(outcomes)
}

export function exitCodeOf(outcomes: readonly Pick<Rescan, 'infected' | 'notScanned'>[]): ExitCode {
  if (outcomes.some(({ infected }) => infected > 0)) return EXIT_CODES.infected
  return outcomes.some(({ notScanned }) => notScanned > 0) ? EXIT_CODES.notScanned : EXIT_CODES.clean
}

async function untilEnded(client: ApiClient, onPoll: (rescan: Rescan) => void): Promise<Rescan> {
  for (;;) {
    const askedAt = performance.now()
    const rescan = await client.getRescan()
    if (rescan.endedDateTime !== undefined) return rescan
    onPoll(rescan)
    await sleep(Math.max(POLL_MS, POLL_SHARE * (performance.now() - askedAt)))
  }
}

/** How far it is, and what holds it up. */
function progressLine(instance: string, { total, remaining, infected, notScanned, problems }: Rescan): string {
  const counts = `${total - remaining} of ${total} contents done, ${infected} infected, ${notScanned} not scanned`
  return [`${instance}: ${counts}`, ...problems].join('. ')
}

function askedLine(instance: string, { remaining }: Rescan): string {
  return `${instance}: the server scans ${contents(remaining)} again.`
}

/** What there is to say in the end. The updates with malware come first, so that the last line is always the sum. */
export function lastLines(instance: string, { total, infected, notScanned, infectedUpdates }: Rescan): string[] {
  const marked = infectedUpdates.map((updateId) => `${instance}: infected: ${formatUpdateId(updateId)}`)
  if (total === 0) return [`${instance}: there is nothing to scan.`]
  if (infected === 0 && notScanned === 0) return [`${instance}: ${contents(total)}, clean.`]
  const parts = [
    ...(infected > 0 ? [`${infected} infected (withdrawn from /content, its updates marked)`] : []),
    ...(notScanned > 0 ? [`${notScanned} not scanned (the server's log says why)`] : []),
  ]
  return [...marked, `${instance}: of ${contents(total)}, ${parts.join(', ')}.`]
}

function contents(count: number): string {
  return count === 1 ? '1 content' : `${count} contents`
}

/** One line that changes on a terminal; elsewhere lines, few of them. */
function progressOn(stream: NodeJS.WriteStream): { show(line: string): void; clear(): void } {
  if (stream.isTTY) {
    return {
      show: (line) => stream.write(`\r\x1b[2K${withoutControls(line).slice(0, stream.columns - 1)}`),
      clear: () => stream.write('\r\x1b[2K'),
    }
  }
  // Nobody needs to hear how it goes of what takes a moment.
  let last = { line: '', at: performance.now() }
  return {
    show(line) {
      if (line === last.line || performance.now() - last.at < LINE_EVERY_MS) return
      last = { line, at: performance.now() }
      print(line)
    },
    clear() {},
  }
}
