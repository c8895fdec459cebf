import type { Line } from './benchmark.ts'
import { keepsTo } from './budgets.ts'

const ROW = 22
const LEFT = 330
const WIDTH = 460
const TOP = 26
const RIGHT = 60

/** Beyond it a bar ends, so that one long one does not make all others invisible. */
const RATIO_MAX = 4

/**
 * A picture (SVG) of the ratios: for each line a bar from its smallest to its largest, a dot at the median, a line at 1, where both are
 * equal, and a mark at the budget. Undefined where nothing has a ratio.
 */
export function drawRatios(lines: readonly Line[]): string | undefined {
  const drawn = lines.filter((line) => line.ratio !== undefined && line.ratio.runs > 1)
  if (drawn.length === 0) return undefined
  const most = Math.max(
    1,
    ...drawn.flatMap(({ ratio, budget }) => [ratio!.max, budget?.atMost ?? 0, budget?.atLeast ?? 0]),
  )
  const scale = Math.min(most * 1.05, RATIO_MAX)
  const at = (value: number) => (LEFT + (Math.min(value, scale) / scale) * WIDTH).toFixed(1)
  const height = TOP + drawn.length * ROW + 8
  const rows = drawn.map((line, index) => rowOf(line, TOP + index * ROW + ROW / 2, at))
  const marks = ticks(scale).map(
    (value) =>
      `<line x1="${at(value)}" x2="${at(value)}" y1="${TOP}" y2="${height - 8}" stroke="${value === 1 ? '#555' : '#ddd'}"/>` +
      `<text x="${at(value)}" y="${TOP - 8}" text-anchor="middle" fill="#555">${value} ×</text>`,
  )
  const width = LEFT + WIDTH + RIGHT
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    ...marks,
    ...rows,
    '</svg>\n',
  ].join('\n')
}

function rowOf({ what, ratio, budget }: Line, y: number, at: (value: number) => string): string {
  const { median, min, max } = ratio!
  const isKept = budget === undefined || keepsTo(budget, median)
  const colour = isKept ? '#2b6cb0' : '#c53030'
  const limit = budget?.atMost ?? budget?.atLeast
  const mark =
    limit === undefined ? '' : `<path d="M${at(limit)} ${y - 9}v18" stroke="#c53030" stroke-dasharray="3 2"/>`
  return (
    `<text x="${LEFT - 10}" y="${y + 4}" text-anchor="end" fill="#222">${escaped(what)}</text>` +
    `<line x1="${at(min)}" x2="${at(max)}" y1="${y}" y2="${y}" stroke="${colour}" stroke-width="6" stroke-opacity=".35"/>` +
    `${mark}<circle cx="${at(median)}" cy="${y}" r="4" fill="${colour}"/>` +
    `<text x="${LEFT + WIDTH + 8}" y="${y + 4}" fill="${colour}">${median < 100 ? median.toFixed(2) : Math.round(median)}</text>`
  )
}

function ticks(scale: number): number[] {
  const step = scale > 2 ? 1 : scale > 1 ? 0.5 : 0.25
  return Array.from({ length: Math.floor(scale / step) + 1 }, (_, index) => index * step)
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
