/** Something of a running server that must not grow with the work that it has done. */
export interface LineKind {
  unit: 'bytes' | 'count'
  /**
   * How much the fitted line may rise over the second half of a run: this part of its level, and a grain for what is small or comes in
   * steps. `undefined` where growth is meant, and somebody else's to end.
   */
  rise: { part: number; grain: number } | undefined
}

const KiB = 1024
const MiB = 1024 * KiB

const bytes = (grain: number): LineKind => ({ unit: 'bytes', rise: { part: 0.1, grain } })
const count = (grain: number): LineKind => ({ unit: 'count', rise: { part: 0.1, grain } })

const LINES: Readonly<Record<string, LineKind>> = {
  'resident memory': bytes(24 * MiB),
  'heap used': bytes(4 * MiB),
  'memory outside the heap': bytes(2 * MiB),
  descriptors: count(3),
  'active handles': count(3),
  'active timers': count(3),
  // One for each route and answer that came up: rare ones do so late.
  'series of metrics': count(20),
  'database file': bytes(128 * KiB),
  // Emptied within seconds, and full at four megabytes.
  'write-ahead log': bytes(4 * MiB),
  'files in blobs': count(30),
  'files in partial': count(2),
  // Its lines are the operator's to rotate.
  'audit.jsonl': { unit: 'bytes', rise: undefined },
}

/** Updates differ in what they have, and what was deleted waits for the next sweep. */
const ROWS = count(30)

/** Every other line is the rows of a table. */
export function lineKind(line: string): LineKind {
  return LINES[line] ?? ROWS
}
