import { lineKind } from './lines.ts'

/** A server at one moment of a run. */
export interface Sample {
  seconds: number
  /** Operations that had ended by then. */
  operations: number
  /** By the names of the lines. */
  values: Readonly<Record<string, number>>
}

export interface Verdict {
  line: string
  unit: 'bytes' | 'count'
  /** The mean of the floor in the second half of the run. */
  level: number
  /** How much the floor rose over the second half, by a straight line fitted to it. */
  rise: number
  /** The slope of that line. */
  risePerThousandOperations: number
  /** Undefined where growth is meant. */
  riseMax: number | undefined
  isFlat: boolean
}

/** Places of the floor in the second half: each is the lowest of the samples around it. */
const FLOOR_PLACES = 12

/**
 * Says of every line whether it is flat in the second half of a run, where caches are warm and the catalogue has its size. What counts is
 * the floor: garbage and work in progress come and go above it, a leak lifts it.
 */
export function judge(samples: readonly Sample[]): Verdict[] {
  const end = samples.at(-1)?.operations ?? 0
  const half = samples.filter(({ operations }) => operations >= end / 2)
  if (half.length < 2 * FLOOR_PLACES) throw new Error(`${half.length} samples are too few to tell a slope from noise.`)
  return Object.keys(samples[0]?.values ?? {}).map((line) => {
    const { unit, rise: allowed } = lineKind(line)
    const floor = floorOf(half.map(({ operations, values }) => ({ x: operations, y: values[line] ?? 0 })))
    const { slope, mean } = fit(floor)
    const rise = slope * (end - (half[0]?.operations ?? 0))
    const riseMax = allowed && allowed.part * mean + allowed.grain
    return {
      line,
      unit,
      level: mean,
      rise,
      risePerThousandOperations: slope * 1000,
      riseMax,
      isFlat: riseMax === undefined || rise <= riseMax,
    }
  })
}

export interface Point {
  x: number
  y: number
}

/** The lowest point of each of some groups of neighbours, at the middle of its group. */
export function floorOf(points: readonly Point[]): Point[] {
  return Array.from({ length: FLOOR_PLACES }, (_, place) => {
    const group = points.slice(
      Math.floor((place * points.length) / FLOOR_PLACES),
      Math.floor(((place + 1) * points.length) / FLOOR_PLACES),
    )
    return { x: meanOf(group.map(({ x }) => x)), y: Math.min(...group.map(({ y }) => y)) }
  })
}

/** Least squares. A line through points that all stand at one place is level. */
export function fit(points: readonly Point[]): { slope: number; mean: number; meanX: number } {
  const [meanX, mean] = [meanOf(points.map(({ x }) => x)), meanOf(points.map(({ y }) => y))]
  const spread = points.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0)
  const together = points.reduce((sum, { x, y }) => sum + (x - meanX) * (y - mean), 0)
  return { slope: spread === 0 ? 0 : together / spread, mean, meanX }
}

function meanOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length
}
