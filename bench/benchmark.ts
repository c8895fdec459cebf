import type { Spread } from './measure.ts'
import type { Tool } from './tools.ts'

export type Unit = 'ms' | 'MiB' | 'MiB/s' | '/s'

/** What the median has to keep to: of the ratio where there is something to compare with, else of the value itself. */
export interface Budget {
  atMost?: number
  atLeast?: number
}

/** One thing that was measured, and what stood next to it in the same run. */
export interface Line {
  what: string
  unit: Unit
  aduana: Spread
  peer?: { name: string; spread: Spread }
  /** Of Aduana's single requests, where the spread is that of medians. */
  tail?: { p90: number; p99: number }
  /** Aduana's value divided by the peer's, pair by pair. */
  ratio?: Spread
  budget?: Budget
}

export interface BenchContext {
  /** For this benchmark alone, empty at first and removed afterwards. */
  folder: string
  /** Kept between runs: large files and catalogues that take long to make. */
  cache: string
  /** Small sizes and few repeats: to see that it works, not to learn numbers. */
  quick: boolean
  /** Tells whoever waits how far it is. */
  say(line: string): void
}

export interface Benchmark {
  title: string
  /** How it is measured, for the page that shows the numbers. */
  method: string
  /** Programs without which it cannot run. */
  needs: readonly Tool[]
  /** Why it cannot run here for another reason. */
  skip?: string | false
  /** Free space on the disk that it needs, in bytes. */
  diskBytes(quick: boolean): number
  run(context: BenchContext): Promise<Line[]>
}
