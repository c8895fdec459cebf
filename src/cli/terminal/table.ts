import { type Look, painted } from './look.ts'
import { withoutControls } from './without-controls.ts'

const GAP = '  '
/** A list may be endless: its columns are as wide as this many rows want them, and more is printed as it comes. */
const ROWS_AT_ONCE = 100

export interface Table {
  add(...cells: string[]): void
  /** Prints what was not printed yet. */
  end(): void
}

/**
 * Rows below each other with aligned columns and a head, on whatever `print` writes to. Where a terminal is too narrow the last columns are
 * left out: the first one, which people copy, stays whole. Numbers of bytes and the like go to the right when their head begins with `>`.
 */
export function startTable(
  heads: readonly string[],
  { print, look }: { print: (line: string) => void; look: Look },
): Table {
  const titles = heads.map((head) => head.replace(/^>/, ''))
  const widths = titles.map((title) => title.length)
  let waiting: string[][] = []
  let isBegun = false

  function line(cells: readonly string[], shown: number): string {
    return cells
      .slice(0, shown)
      .map((cell, i) => {
        if (heads[i]?.startsWith('>')) return cell.padStart(widths[i] ?? 0)
        // Nothing stands behind the last one.
        return i === shown - 1 ? cell : cell.padEnd(widths[i] ?? 0)
      })
      .join(GAP)
  }

  function flush(): void {
    for (const cells of waiting) {
      for (const [i, cell] of cells.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length)
    }
    let shown = heads.length
    const widthOf = (columns: number) =>
      widths.slice(0, columns).reduce((sum, width) => sum + width, GAP.length * (columns - 1))
    while (shown > 1 && widthOf(shown) > look.columns) shown -= 1
    if (!isBegun && waiting.length > 0) print(painted('bold', line(titles, shown), look))
    isBegun ||= waiting.length > 0
    for (const cells of waiting) print(line(cells, shown).trimEnd())
    waiting = []
  }

  return {
    add(...cells) {
      waiting.push(cells.map(withoutControls))
      if (waiting.length >= ROWS_AT_ONCE) flush()
    },
    end: flush,
  }
}
