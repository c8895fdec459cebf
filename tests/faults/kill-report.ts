import type { KillReport } from './kill-at-random.ts'
import type { KillNodesReport } from './kill-nodes.ts'

/** A report in lines for people. */
export function describeKills(report: KillReport | KillNodesReport): string {
  const { seed, kills, phases, counts, findings, kept } = report
  const { imports, uploads, deletions, reads } = counts
  return [
    ...('blows' in report
      ? [`${report.nodes} nodes on ${report.store}: ${list(report.blows)}, operations lost to others ${report.lost}`]
      : []),
    `${kills} kills with seed ${seed} hit ${list(phases)}`,
    `imports: ${list(imports)}`,
    `uploads: ${uploads}`,
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
