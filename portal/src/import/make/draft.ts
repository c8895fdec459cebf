import type { AptManifest } from '../../../../src/domain/authoring/apt-manifest.ts'
import type {
  BaseFileChoice,
  InlineStepChoice,
  Property,
  UpdateChoices,
} from '../../../../src/domain/authoring/choices.ts'
import { addNeededProperties } from '../../../../src/domain/authoring/suggest-property.ts'
import { KNOWN_HANDLERS } from '../../../../src/domain/manifest/known-handlers.ts'
import type { UpdateId } from '../../../../src/domain/update-id.ts'

/** A name and a value as they were typed; where both are empty, nothing was meant. */
export interface PropertyRow {
  key: string
  name: string
  value: string
}

export interface InlineStep {
  key: string
  type: 'inline'
  handler: string
  description: string
  /** Keys of files. */
  files: readonly string[]
  /** Those that the handler is known to look for, by their names. */
  known: Readonly<Record<string, string>>
  others: readonly PropertyRow[]
}

export interface ReferenceStep {
  key: string
  type: 'reference'
  description: string
  /** As typed: `PROVIDER/NAME/VERSION`. */
  update: string
}

export type Step = InlineStep | ReferenceStep

/** What only deltas need of a file. */
export interface FileExtras {
  downloadHandler: string
  /** Keys of the files that help to make this one. */
  related: readonly string[]
  /** Of this file where it is a related one, such as the hash of what the device has. */
  properties: readonly PropertyRow[]
}

/** The form as it stands. Everything is as it was typed; `choicesOf` makes of it what a manifest can say. */
export interface Draft {
  updateId: UpdateId
  description: string
  isDeployable: boolean
  compatibility: readonly { key: string; rows: readonly PropertyRow[] }[]
  steps: readonly Step[]
  /** By the keys of files. */
  extras: Readonly<Record<string, FileExtras>>
  createdDateTime: string
}

/** A file as far as the manifest tells of it. */
export interface DraftFile {
  key: string
  name: string
  sizeInBytes: number
  /** Empty as long as it is not known. */
  sha256: string
  aptManifest?: AptManifest | undefined
}

export const NO_EXTRAS: FileExtras = { downloadHandler: '', related: [], properties: [] }

export function emptyDraft(now: Date): Draft {
  return {
    updateId: { provider: '', name: '', version: '' },
    description: '',
    isDeployable: true,
    compatibility: [newDeviceKind()],
    steps: [newInlineStep()],
    extras: {},
    createdDateTime: now.toISOString(),
  }
}

let count = 0
const newKey = () => {
  count += 1
  return `made-${count}`
}

export const newRow = (name = ''): PropertyRow => ({ key: newKey(), name, value: '' })

/** Devices say of themselves who made them, and which model they are. */
export const newDeviceKind = () => ({ key: newKey(), rows: [newRow('manufacturer'), newRow('model')] })

export function newInlineStep(): InlineStep {
  return {
    key: newKey(),
    type: 'inline',
    handler: 'microsoft/script:1',
    description: '',
    files: [],
    known: {},
    others: [],
  }
}

export const newReferenceStep = (): ReferenceStep => ({ key: newKey(), type: 'reference', description: '', update: '' })

/** What the form says, for the manifest to be written and judged. Properties that a handler needs and that follow from the rest are filled in. */
export function choicesOf(draft: Draft, files: readonly DraftFile[]): UpdateChoices {
  const { updateId, isDeployable, createdDateTime } = draft
  const byKey = new Map(files.map((file) => [file.key, file]))
  const extrasOf = (key: string) => draft.extras[key] ?? NO_EXTRAS
  const base = ({ name, sizeInBytes, sha256 }: DraftFile): BaseFileChoice => ({ fileName: name, sizeInBytes, sha256 })
  return {
    manifestVersion: '5.0',
    updateId,
    description: unlessEmpty(draft.description),
    isDeployable,
    compatibility: draft.compatibility.map(({ rows }) => propertiesOf(rows)),
    steps: draft.steps.map((step) =>
      step.type === 'inline'
        ? completed(step, { draft, byKey })
        : { type: 'reference', description: unlessEmpty(step.description), updateId: readUpdate(step.update) },
    ),
    files: mainFiles(draft, files).map((file) => {
      const { downloadHandler, related: keys } = extrasOf(file.key)
      const relatedFiles = keys.flatMap((key) => {
        const one = byKey.get(key)
        return one === undefined ? [] : { ...base(one), properties: propertiesOf(extrasOf(key).properties) }
      })
      return {
        ...base(file),
        downloadHandlerId: unlessEmpty(downloadHandler),
        ...(relatedFiles.length > 0 && { relatedFiles }),
      }
    }),
    createdDateTime,
  }
}

/** The files that are no related files of others, in the order of the manifest. */
export function mainFiles<T extends { key: string }>({ extras }: Pick<Draft, 'extras'>, files: readonly T[]): T[] {
  const related = new Set(files.flatMap(({ key }) => extras[key]?.related ?? []))
  return files.filter(({ key }) => !related.has(key))
}

function completed(
  { handler, description, files, known, others }: InlineStep,
  { draft, byKey }: { draft: Draft; byKey: ReadonlyMap<string, DraftFile> },
): InlineStepChoice {
  const chosen = files.flatMap((key) => byKey.get(key) ?? [])
  const names = KNOWN_HANDLERS.get(handler)?.properties.map(({ name }) => name) ?? []
  const handlerProperties = [
    ...names.flatMap((name): Property[] => (known[name] ? [{ name, value: known[name] }] : [])),
    ...propertiesOf(others),
  ]
  const step: InlineStepChoice = {
    type: 'inline',
    handler,
    description: unlessEmpty(description),
    files: chosen.map(({ name }) => name),
    handlerProperties,
  }
  // Without a version its place would be filled with nothing.
  const { version } = draft.updateId
  const aptManifest = chosen.length === 1 ? chosen[0]?.aptManifest : undefined
  const { added } = addNeededProperties(step, { manifestVersion: '5.0', version, aptManifest })
  return { ...step, handlerProperties: [...handlerProperties, ...added.filter(({ value }) => value !== '')] }
}

function propertiesOf(rows: readonly PropertyRow[]): Property[] {
  return rows.filter(({ value }) => value !== '').map(({ name, value }) => ({ name, value }))
}

function unlessEmpty(text: string): string | undefined {
  return text === '' ? undefined : text
}

/** What lacks is empty, which the judgement of the manifest tells. */
export function readUpdate(text: string): UpdateId {
  const [provider = '', name = '', ...version] = text.split('/').map((part) => part.trim())
  return { provider, name, version: version.join('/') }
}

/** Puts the entry at an index before (-1) or behind (1) its neighbour. */
export function moved<T>(list: readonly T[], index: number, by: -1 | 1): T[] {
  const without = list.toSpliced(index, 1)
  return without.toSpliced(Math.max(index + by, 0), 0, ...list.slice(index, index + 1))
}
