import type { MultiBar } from 'cli-progress'
import { formatBytes, formatDuration } from './amounts.ts'
import { lookOf } from './look.ts'
import { withoutControls } from './without-controls.ts'

/** A file on its way, and how far it is. */
export interface Transfer {
  name: string
  /** Such as `uploading`, for people. */
  phase: string
  bytesDone: number
  sizeInBytes: number
  /** Nothing more will happen to it. */
  isDone?: boolean
}

export interface TransferView {
  /** Every file, in the same order each time. */
  show(transfers: readonly Transfer[]): void
  /** A line that stays, above whatever changes. */
  say(line: string): void
  /** Leaves the last state on the screen and gives the cursor back. */
  end(): void
  /** The same, but leaves nothing: something else will be shown. */
  clear(): void
}

/** Where there is no terminal, a line at most this often: nobody needs to hear how it goes of what takes a moment. */
const LINE_EVERY_MS = 10_000
/** Over how long a rate is measured: short enough to follow a change, long enough not to jump. */
const WINDOW_MS = 5000
const NAME_WIDTH_MAX = 40
const NAME_WIDTH_MIN = 12
const PHASE_WIDTH = 12
const BAR_WIDTH_MAX = 30
/** A shorter bar says nothing that the percentage does not. */
const BAR_WIDTH_MIN = 8

/** Shows transfers as bars on a terminal, else as few lines; both on standard error, or not at all where `isQuiet`. */
export async function openTransferView(
  stream: NodeJS.WriteStream,
  { isQuiet = false }: { isQuiet?: boolean } = {},
): Promise<TransferView> {
  const say = (line: string) => stream.write(`${withoutControls(line)}\n`)
  if (isQuiet) return { show() {}, say() {}, end() {}, clear() {} }
  return lookOf(stream).isTerminal ? await bars(stream) : lines(say)
}

async function bars(stream: NodeJS.WriteStream): Promise<TransferView> {
  const { default: progress } = await import('cli-progress')
  const meters = new Map<number, RateMeter>()
  let transfers: readonly Transfer[] = []
  let multibar: MultiBar | undefined
  let slots = 0

  /** The transfer that a line speaks of: where not all of them fit, those that move come first. */
  function transferAt(slot: number): number {
    if (transfers.length <= slots) return slot
    const order = transfers.map((_, i) => i).sort((a, b) => rank(transfers[a]) - rank(transfers[b]))
    return order[slot] ?? slot
  }

  function lineAt(slot: number, width: number): string {
    if (slot === slots - 1 && transfers.length > slots) return summaryOf(transfers)
    const i = transferAt(slot)
    const transfer = transfers[i]
    const longest = Math.max(...transfers.map(({ name }) => name.length))
    const nameWidth = Math.min(NAME_WIDTH_MAX, longest, Math.max(NAME_WIDTH_MIN, Math.floor(width / 3)))
    return transfer === undefined ? '' : transferLine(transfer, { nameWidth, width, meter: meters.get(i) })
  }

  function begin(): void {
    multibar = new progress.MultiBar({
      stream,
      hideCursor: true,
      linewrap: false,
      clearOnComplete: true,
      forceRedraw: true,
      format: (_options, params, { slot }: { slot: number }) =>
        lineAt(slot, (params as { maxWidth?: number }).maxWidth ?? stream.columns),
    })
    // One line less than the terminal has, since the cursor needs one, and at least one.
    slots = Math.max(1, Math.min(transfers.length, (stream.rows || 24) - 2))
    for (let slot = 0; slot < slots; slot += 1) multibar.create(1, 0, { slot })
  }

  function clear(): void {
    // Draws what was said last.
    multibar?.update()
    multibar?.stop()
    multibar = undefined
    meters.clear()
  }

  return {
    show(shown) {
      transfers = shown
      for (const [i, { bytesDone, phase }] of shown.entries()) {
        const meter = meters.get(i) ?? createRateMeter()
        meters.set(i, meter)
        meter.note(phase, bytesDone)
      }
      if (multibar === undefined && shown.length > 0) begin()
    },
    say(line) {
      if (multibar === undefined) stream.write(`${withoutControls(line)}\n`)
      else multibar.log(`${withoutControls(line)}\n`)
    },
    end() {
      if (multibar === undefined) return
      clear()
      for (let slot = 0; slot < slots; slot += 1) stream.write(`${lineAt(slot, stream.columns)}\n`)
    },
    clear,
  }
}

function rank(transfer: Transfer | undefined): number {
  if (transfer === undefined || transfer.isDone) return 2
  return transfer.bytesDone > 0 ? 0 : 1
}

function lines(say: (line: string) => void): TransferView {
  let last = { at: performance.now(), phases: '' }
  return {
    show(transfers) {
      const phases = [...new Set(transfers.map(({ phase }) => phase))].join(', ')
      const now = performance.now()
      if (now - last.at < LINE_EVERY_MS) return
      last = { at: now, phases }
      say(`${phases}: ${summaryOf(transfers)}`)
    },
    say,
    end() {},
    clear() {},
  }
}

/** All files in one line. */
export function summaryOf(transfers: readonly Transfer[]): string {
  const sum = (of: (transfer: Transfer) => number) => transfers.reduce((total, transfer) => total + of(transfer), 0)
  const sizeInBytes = sum((transfer) => transfer.sizeInBytes)
  const bytesDone = sum((transfer) => transfer.bytesDone)
  const done = transfers.filter(({ isDone }) => isDone).length
  return `${done} of ${transfers.length} files done, ${formatBytes(bytesDone)} of ${formatBytes(sizeInBytes)} (${percentOf(bytesDone, sizeInBytes)} %)`
}

/** A line about one file that is at most `width` wide: what matters least goes first where it is narrow. */
export function transferLine(
  { name, phase, bytesDone, sizeInBytes, isDone = false }: Transfer,
  {
    nameWidth,
    width,
    meter,
  }: { nameWidth: number; width: number; meter?: Pick<RateMeter, 'bytesPerSecond'> | undefined },
): string {
  const rate = isDone ? undefined : meter?.bytesPerSecond()
  const left = rate ? (sizeInBytes - bytesDone) / rate : undefined
  const percent = `${percentOf(bytesDone, sizeInBytes)} %`.padStart(5)
  const amount = isDone ? formatBytes(sizeInBytes) : `${formatBytes(bytesDone)} of ${formatBytes(sizeInBytes)}`
  const speed = rate ? `${formatBytes(rate)}/s` : ''
  const time = left === undefined ? '' : `${formatDuration(left)} left`
  // Of the least use last: what does not fit is left out, from the end.
  const parts = [cut(withoutControls(name), nameWidth).padEnd(nameWidth), phase.padEnd(PHASE_WIDTH), percent]
  const room = width - 1
  let line = parts.shift() ?? ''
  if (line.length > room) return cut(line.trimEnd(), room)
  for (const part of [...parts, amount, speed, time]) {
    if (part !== '' && line.length + 2 + part.length <= room) line += `  ${part}`
  }
  const barWidth = Math.min(BAR_WIDTH_MAX, room - line.length - 2)
  if (isDone || barWidth < BAR_WIDTH_MIN) return line
  const full = sizeInBytes === 0 ? barWidth : Math.floor((barWidth * bytesDone) / sizeInBytes)
  const at = nameWidth + 2 + PHASE_WIDTH
  return `${line.slice(0, at)}  ${'█'.repeat(full)}${'░'.repeat(barWidth - full)}${line.slice(at)}`
}

function percentOf(bytesDone: number, sizeInBytes: number): number {
  return sizeInBytes === 0 ? 100 : Math.min(100, Math.floor((100 * bytesDone) / sizeInBytes))
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`
}

interface RateMeter {
  note(phase: string, bytesDone: number): void
  bytesPerSecond(): number | undefined
}

/** How fast something goes, over the last seconds; a new phase begins anew. `now` counts milliseconds. */
export function createRateMeter(now: () => number = () => performance.now()): RateMeter {
  let samples: { at: number; bytes: number }[] = []
  let current = ''
  return {
    note(phase, bytes) {
      if (phase !== current) samples = []
      current = phase
      const at = now()
      samples.push({ at, bytes })
      while (samples.length > 2 && at - (samples[1]?.at ?? at) > WINDOW_MS) samples.shift()
    },
    bytesPerSecond() {
      const [first] = samples
      const last = samples.at(-1)
      if (first === undefined || last === undefined || last.at - first.at < 500) return undefined
      const rate = ((last.bytes - first.bytes) * 1000) / (now() - first.at)
      return rate > 0 ? rate : undefined
    },
  }
}
