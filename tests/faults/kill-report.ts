import type { KillReport } from './kill-at-random.ts'

/** A report in lines for people. */
export function describeKills({ seed, kills, phases, counts, findings, kept }: KillReport): string {
  const { imports, deletions, reads } = counts
  return [
    `${kills} kills with seed ${seed} hit ${list(phases)}`,
    `imports: ${list(imports)}`,
    `deletions: ${list(deletions)}`,
    `reads: ${list(reads)}`,
    ...(findings.length === 0 ? ['every promise was kept'] : findings.map((finding) => `FOUND ${finding}`)),
    ...(kept === undefined ? [] : [`data folder: ${kept.folder}, log: ${kept.log}`]),
  ].join('\n')
}

function list(counts: object): string {
  return Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ')
}
