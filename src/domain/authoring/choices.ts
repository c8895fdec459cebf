import type { JsonValue } from '../json-text.ts'
import type { UpdateId } from '../update-id.ts'

/** The manifest versions that can be written. 3.0 lived for a few months and is only read. */
export const AUTHORED_VERSIONS = ['5.0', '4.0', '2.0'] as const
export type AuthoredVersion = (typeof AUTHORED_VERSIONS)[number]

/**
 * What a person chooses for an update, whichever manifest version it will be written in. Nothing in it is checked: texts are
 * as they were typed, and `judgeChoices` says what is wrong with them.
 */
export interface UpdateChoices {
  manifestVersion: AuthoredVersion
  updateId: UpdateId
  description?: string | undefined
  /** True where it is left out. An update that another one references must not be deployable. */
  isDeployable?: boolean | undefined
  /** One list of properties for each kind of device. */
  compatibility: readonly (readonly Property[])[]
  steps: readonly StepChoice[]
  /** Every file once, whichever steps use it. */
  files: readonly FileChoice[]
  /** ISO 8601 in UTC. */
  createdDateTime: string
}

/** A member of a free object. A list of them keeps the order, and a name that stands twice is told rather than lost. */
export interface Property {
  name: string
  value: JsonValue
}

export type StepChoice = InlineStepChoice | ReferenceStepChoice

export interface InlineStepChoice {
  type: 'inline'
  handler: string
  description?: string | undefined
  handlerProperties?: readonly Property[] | undefined
  /** Names of files, which `UpdateChoices.files` has. */
  files: readonly string[]
}

export interface ReferenceStepChoice {
  type: 'reference'
  description?: string | undefined
  updateId: UpdateId
}

export interface BaseFileChoice {
  fileName: string
  sizeInBytes: number
  /** The digest in standard base64. */
  sha256: string
  properties?: readonly Property[] | undefined
}

export interface FileChoice extends BaseFileChoice {
  downloadHandlerId?: string | undefined
  relatedFiles?: readonly BaseFileChoice[] | undefined
}
