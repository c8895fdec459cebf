import { fit, floorOf, type Point, type Sample, type Verdict } from './judge.ts'

const COLUMNS = 4
const [WIDTH, HEIGHT] = [250, 130]
/** Inside a panel. */
const [LEFT, TOP, RIGHT, BOTTOM] = [12, 34, 12, 14]
/** Points of a panel. */
const DRAWN_MAX = 200

/**
 * A picture (SVG) with a panel for each line: what was measured against the operations that had ended, from zero up, and dashed the
 * straight line that was fitted to the floor of the second half.
 */
export function drawLines({
  title,
  samples,
  verdicts,
}: {
  title: string
  samples: readonly Sample[]
  verdicts: readonly Verdict[]
}): string {
  const width = COLUMNS * WIDTH
  const height = Math.ceil(verdicts.length / COLUMNS) * HEIGHT + 30
  const panels = verdicts.map((verdict, index) => {
    const [x, y] = [(index % COLUMNS) * WIDTH, 30 + Math.floor(index / COLUMNS) * HEIGHT]
    return `<g transform="translate(${x} ${y})">${drawPanel(verdict, samples)}</g>`
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="sans-serif" font-size="11">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    `<text x="${LEFT}" y="19" font-size="13" fill="#222">${title}</text>`,
    ...panels,
    '</svg>\n',
  ].join('\n')
}

function drawPanel({ line, unit, level, rise, riseMax, isFlat }: Verdict, samples: readonly Sample[]): string {
  const points = samples.map(({ operations, values }) => ({ x: operations, y: values[line] ?? 0 }))
  const xMax = points.at(-1)?.x ?? 1
  const yMax = Math.max(1, ...points.map(({ y }) => y))
  const px = (x: number) => (LEFT + (x / xMax) * (WIDTH - LEFT - RIGHT)).toFixed(1)
  const py = (y: number) => (HEIGHT - BOTTOM - (y / yMax) * (HEIGHT - TOP - BOTTOM)).toFixed(1)
  const colour = riseMax === undefined ? '#718096' : isFlat ? '#2b6cb0' : '#c53030'
  const { slope, mean, meanX } = fit(floorOf(points.filter(({ x }) => x >= xMax / 2)))
  const fitted = (x: number) => mean + slope * (x - meanX)
  const note = riseMax === undefined ? 'meant to grow' : `rose by ${written(rise, unit)} of ${written(riseMax, unit)}`
  return (
    `<text x="${LEFT}" y="14" fill="#222" font-weight="bold">${line}</text>` +
    `<text x="${WIDTH - RIGHT}" y="14" text-anchor="end" fill="#718096">up to ${written(yMax, unit)}</text>` +
    `<text x="${LEFT}" y="27" fill="${colour}">about ${written(level, unit)}, ${note}</text>` +
    `<path d="M${px(0)} ${py(0)}H${px(xMax)}" stroke="#ccc"/>` +
    `<polyline points="${thinned(points)
      .map(({ x, y }) => `${px(x)},${py(y)}`)
      .join(' ')}" fill="none" stroke="${colour}" stroke-opacity=".6"/>` +
    `<path d="M${px(xMax / 2)} ${py(fitted(xMax / 2))}L${px(xMax)} ${py(fitted(xMax))}" stroke="#222" stroke-dasharray="4 3"/>`
  )
}

/** The lowest and the highest of some neighbours each: a long run has more samples than a panel has room for, and no peak may be lost. */
function thinned(points: readonly Point[]): Point[] {
  const step = Math.ceil(points.length / (DRAWN_MAX / 2))
  if (step <= 2) return [...points]
  return Array.from({ length: Math.ceil(points.length / step) }, (_, index) => {
    const group = points.slice(index * step, (index + 1) * step).sort((one, other) => one.y - other.y)
    return [group[0]!, group.at(-1)!].sort((one, other) => one.x - other.x)
  }).flat()
}

const UNITS = [
  ['MiB', 1024 * 1024],
  ['KiB', 1024],
] as const

/** A number for people, with its unit. */
export function written(value: number, unit: Verdict['unit']): string {
  if (unit === 'count') return value.toFixed(Math.abs(value) < 10 ? 1 : 0)
  const [name, size] = UNITS.find(([, size]) => Math.abs(value) >= size) ?? ['bytes', 1]
  return `${(value / size).toFixed(size === 1 ? 0 : 1)} ${name}`
}
