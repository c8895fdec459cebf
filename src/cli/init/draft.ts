import type { AuthoredVersion, Property } from '../../domain/authoring/choices.ts'
import type { UpdateId } from '../../domain/update-id.ts'

/** What was chosen by flags and answers, with files as paths. A text that was not given is undefined. */
export interface Draft {
  manifestVersion: AuthoredVersion
  updateId: UpdateIdDraft
  description?: string
  isDeployable?: boolean
  compatibility: Property[][]
  steps: StepDraft[]
  output?: string
}

export type UpdateIdDraft = { [Part in keyof UpdateId]?: string | undefined }

export type StepDraft = InlineStepDraft | ReferenceStepDraft

export interface InlineStepDraft {
  type: 'inline'
  /** What messages call it: `--step 2`, or nothing where the flags of a single step stand for themselves. */
  label?: string
  /** Its absence is told before anything is judged. */
  handler?: string
  description?: string
  properties: Property[]
  files: FileDraft[]
  /** Names of files, where these and not the `--file`s behind the step say what it uses. */
  fileNames?: string[]
}

export interface ReferenceStepDraft {
  type: 'reference'
  label: string
  description?: string
  updateId: UpdateIdDraft
}

export interface RelatedFileDraft {
  path: string
  properties: Property[]
}

export interface FileDraft extends RelatedFileDraft {
  downloadHandlerId?: string
  relatedFiles: RelatedFileDraft[]
}

export function inlineSteps({ steps }: Draft): InlineStepDraft[] {
  return steps.filter((step) => step.type === 'inline')
}
