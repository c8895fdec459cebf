import { written } from './draw-lines.ts'
import type { SoakReport } from './run-soak.ts'

/** A report in lines for people. */
export function describeSoak({ seed, seconds, counts, samples, verdicts, idle, findings }: SoakReport): string {
  const { imports, kinds, deletions, reads } = counts
  return [
    `${seconds.toFixed(0)} s with seed ${seed}, ${samples.length} samples`,
    `imports: ${list(imports)}`,
    ...Object.entries(kinds).map(([kind, count]) => `  ${count} ${kind}`),
    `deletions: ${list(deletions)}`,
    `reads: ${list(reads)}`,
    ...verdicts.map(({ line, unit, level, rise, riseMax, risePerThousandOperations, isFlat }) => {
      const allowed = riseMax === undefined ? 'meant to grow' : `at most ${written(riseMax, unit)}`
      return (
        `${isFlat ? 'ok  ' : 'NOT '}${line}: about ${written(level, unit)}, rose by ${written(rise, unit)} (${allowed}), ` +
        `${written(risePerThousandOperations, unit)} in 1,000 operations`
      )
    }),
    ...['descriptors', 'active handles', 'active timers'].map(
      (line) => `idle: ${line} ${idle.before.values[line]} before, ${idle.after.values[line]} after`,
    ),
    ...(findings.length === 0 ? ['all lines are flat'] : findings.map((finding) => `FOUND ${finding}`)),
  ].join('\n')
}

function list(counts: object): string {
  return Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ')
}
