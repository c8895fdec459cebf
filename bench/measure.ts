/** Values of several runs, in short. */
export interface Spread {
  median: number
  min: number
  max: number
  runs: number
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b)
  return {
    median: percentile(sorted, 0.5),
    min: sorted[0] ?? Number.NaN,
    max: sorted.at(-1) ?? Number.NaN,
    runs: sorted.length,
  }
}

/** The value that the share `rank` (0 to 1) of the values is not above, between neighbours where it falls between two. */
export function percentile(sorted: readonly number[], rank: number): number {
  const place = (sorted.length - 1) * rank
  const below = sorted[Math.floor(place)] ?? Number.NaN
  const above = sorted[Math.ceil(place)] ?? Number.NaN
  return below + (above - below) * (place - Math.floor(place))
}

/**
 * Runs each of the measurements in turn, `rounds` times: whatever else the machine does meanwhile hits all of them alike. The first
 * round warms everything up and does not count.
 */
export async function alternate<Name extends string, Value = number>(
  rounds: number,
  measurements: Record<Name, () => Promise<Value>>,
): Promise<Record<Name, Value[]>> {
  const names = Object.keys(measurements) as Name[]
  const values = Object.fromEntries(names.map((name) => [name, [] as Value[]])) as Record<Name, Value[]>
  for (let round = 0; round <= rounds; round += 1) {
    // Whoever comes second finds other caches than the first, so they take turns at that too.
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const value = await measurements[name]()
      if (round > 0) values[name].push(value)
    }
  }
  return values
}

/** Each value divided by the one of the same round. */
export function ratios(values: readonly number[], others: readonly number[]): number[] {
  return values.map((value, round) => value / (others[round] ?? Number.NaN))
}

export async function timeMs(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now()
  await work()
  return performance.now() - begun
}

/** How far one may trust a median. */
export function noiseOf({ median, min, max, runs }: Spread): string {
  if (runs < 3) return 'too few runs'
  const width = (max - min) / median
  if (width < 0.1) return 'steady'
  return width < 0.35 ? 'some noise' : 'noisy'
}
