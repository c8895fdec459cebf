import type { Place } from '../../domain/authoring/place-of.ts'
import type { Draft, InlineStepDraft } from './draft.ts'

export interface Missing {
  flag: string
  /** What is found wrong there, and inside of it, only follows from the absence. */
  place: Place
}

/** The flags without which there is no manifest and which were not given. */
export function missingFlags(draft: Draft): Missing[] {
  const { updateId, compatibility, steps } = draft
  const missing: Missing[] = (['provider', 'name', 'version'] as const)
    .filter((part) => updateId[part] === undefined)
    .map((part) => ({ flag: `--${part}`, place: ['updateId', part] }))
  if (compatibility.length === 0) missing.push({ flag: '--compat', place: ['compatibility'] })
  const step = singleStep(draft)
  if (steps.length > 0 && step === undefined) return missing
  if (step?.handler === undefined)
    missing.push({ flag: '--handler', place: step ? ['steps', 0, 'handler'] : ['steps'] })
  if ((step?.files ?? []).length === 0) {
    missing.push({ flag: '--file', place: ['steps', 0, 'files'] }, { flag: '--file', place: ['files'] })
  }
  return missing
}

/** The step that `--handler`, `--property` and `--file` describe; none where there are `--step`s, or nothing was said yet. */
export function singleStep({ steps }: Draft): InlineStepDraft | undefined {
  const [step] = steps
  return step?.type === 'inline' && step.label === undefined ? step : undefined
}
