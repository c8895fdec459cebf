import type { PlannedInput } from './import-plan.ts'

/** Whether something can be imported. */
export interface Readiness {
  /** There only if nothing stands against it. Asked for when it begins. */
  plan: (() => Promise<readonly PlannedInput[]>) | undefined
  /** What stands against it, in whole sentences. */
  problems: readonly string[]
  /** What the browser is still busy with, as a sentence. */
  waiting: string | undefined
}
