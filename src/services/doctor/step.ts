/** How bad a finding is: a note is nothing to act on. */
export type Level = 'note' | 'warning' | 'problem'

export interface Finding {
  level: Level
  /** What was found and what to do, in full sentences. */
  message: string
  /** What it is about, for programs: the name of a blob, the id of an operation, a path. */
  target?: string
}

/** Takes what a step has to say. */
export interface Pen {
  note(message: string, target?: string): void
  warn(message: string, target?: string): void
  problem(message: string, target?: string): void
  /** Something was wrong, and is no longer. */
  mended(message: string, target?: string): void
  /** How far a long step is. */
  progress(doneBytes: number, totalBytes: number): void
}

/** One examination. It looks at one concern and knows nothing of the others. */
export interface Step {
  /** Stable, for programs. */
  name: string
  /** For people. */
  title: string
  /** The steps that this one rests on: if one of them found a problem, it is left out. */
  needs: readonly string[]
  /** Looks. Answers one sentence that says what it looked at. Whatever it throws is a problem of this step. */
  run(pen: Pen): Promise<string>
}
