import type { BaseFileChoice, FileChoice, StepChoice, UpdateChoices } from '../../domain/authoring/choices.ts'
import type { Place } from '../../domain/authoring/place-of.ts'
import type { Draft, FileDraft, InlineStepDraft, RelatedFileDraft } from './draft.ts'

/** What is known of the bytes behind a path. */
export type Measured = Pick<BaseFileChoice, 'fileName' | 'sizeInBytes' | 'sha256'>

export interface DraftChoices {
  choices: UpdateChoices
  /** What a place among the choices is called in flags. */
  nameOf: (place: Place) => string
  /** Sentences about files that cannot be in one update together. */
  mistakes: string[]
}

/** The choices that a draft means. What was not given is empty. */
export function draftChoices(
  draft: Draft,
  { measured, createdDateTime }: { measured: (path: string) => Measured; createdDateTime: string },
): DraftChoices {
  const { files, mistakes } = gatherFiles(draft, measured)
  const choices: UpdateChoices = {
    manifestVersion: draft.manifestVersion,
    updateId: wholeId(draft.updateId),
    description: draft.description,
    isDeployable: draft.isDeployable,
    compatibility: draft.compatibility,
    steps: draft.steps.map((step): StepChoice => {
      const { description } = step
      if (step.type === 'reference') return { type: 'reference', description, updateId: wholeId(step.updateId) }
      const { handler = '', properties: handlerProperties } = step
      const names = step.fileNames ?? step.files.map(({ path }) => measured(path).fileName)
      return { type: 'inline', handler, description, handlerProperties, files: [...new Set(names)] }
    }),
    files: files.map(({ choice }) => choice),
    createdDateTime,
  }
  return { choices, nameOf: (place) => nameOf(place, draft, files), mistakes }
}

function wholeId({ provider = '', name = '', version = '' }: Draft['updateId']): UpdateChoices['updateId'] {
  return { provider, name, version }
}

interface GatheredFile {
  draft: FileDraft
  choice: FileChoice
}

/** Every file once, however many steps use it. */
function gatherFiles(draft: Draft, measured: (path: string) => Measured) {
  const gathered = new Map<string, GatheredFile>()
  const mistakes: string[] = []
  for (const file of inlineSteps(draft).flatMap(({ files }) => files)) {
    const choice = fileChoice(file, measured)
    const other = gathered.get(choice.fileName)
    if (other === undefined) {
      gathered.set(choice.fileName, { draft: file, choice })
      continue
    }
    const isSame = other.choice.sizeInBytes === choice.sizeInBytes && other.choice.sha256 === choice.sha256
    if (!isSame) {
      mistakes.push(
        `--file ${other.draft.path} and --file ${file.path} have the same name and different bytes. Rename one.`,
      )
    } else if (hasDetails(file) && hasDetails(other.draft) && detailsOf(choice) !== detailsOf(other.choice)) {
      mistakes.push(
        `--file ${file.path} is given twice with different downloadHandler, properties or related files. Say them once.`,
      )
    } else if (hasDetails(file)) gathered.set(choice.fileName, { draft: file, choice })
  }
  return { files: [...gathered.values()], mistakes }
}

function fileChoice(file: FileDraft, measured: (path: string) => Measured): FileChoice {
  return {
    ...baseFileChoice(file, measured),
    ...(file.downloadHandlerId !== undefined && { downloadHandlerId: file.downloadHandlerId }),
    relatedFiles: file.relatedFiles.map((related) => baseFileChoice(related, measured)),
  }
}

function baseFileChoice({ path, properties }: RelatedFileDraft, measured: (path: string) => Measured): BaseFileChoice {
  const { fileName, sizeInBytes, sha256 } = measured(path)
  return { fileName, sizeInBytes, sha256, properties }
}

function hasDetails({ downloadHandlerId, properties, relatedFiles }: FileDraft): boolean {
  return downloadHandlerId !== undefined || properties.length > 0 || relatedFiles.length > 0
}

function detailsOf({ downloadHandlerId, properties, relatedFiles }: FileChoice): string {
  return JSON.stringify([downloadHandlerId, properties, relatedFiles])
}

export function inlineSteps({ steps }: Draft): InlineStepDraft[] {
  return steps.filter((step) => step.type === 'inline')
}

function nameOf([first, second, third, ...rest]: Place, draft: Draft, files: readonly GatheredFile[]): string {
  switch (first) {
    case 'updateId':
      return second === undefined ? '--provider, --name, --version' : `--${second}`
    case 'isDeployable':
      return '--is-deployable'
    case 'manifestVersion':
      return '--manifest-version'
    case 'compatibility': {
      const which = typeof second === 'number' && draft.compatibility.length > 1 ? ` ${second + 1}` : ''
      return `--compat${which}${third === undefined ? '' : ` ${third}=`}`
    }
    case 'steps':
      return typeof second === 'number' ? stepName(second, third, rest, draft) : '--step'
    case 'files':
      return typeof second === 'number' ? fileName(files[second]?.draft, third, rest) : '--file'
    default:
      return first === undefined ? 'the manifest' : `--${first}`
  }
}

function stepName(index: number, member: string | number | undefined, rest: Place, draft: Draft): string {
  const step = draft.steps[index]
  const label = step?.type === 'reference' ? step.label : step?.label
  if (member === 'handlerProperties') {
    const [property] = rest
    const of = label === undefined ? '--property' : `${label}, properties`
    return property === undefined ? of : `${of} ${property}=`
  }
  if (label === undefined) return member === 'files' ? '--file' : '--handler'
  if (member === undefined || member === 'files') return label
  return `${label} ${[member, ...rest].join('.')}=`
}

function fileName(file: FileDraft | undefined, member: string | number | undefined, [index, ...rest]: Place): string {
  if (member !== 'relatedFiles') return `--file ${file?.path}${detailName(member)}`
  const related = typeof index === 'number' ? file?.relatedFiles[index] : undefined
  return related ? `--related-file ${related.path}${detailName(rest[0])}` : `--related-file of ${file?.path}`
}

function detailName(member: string | number | undefined): string {
  if (member === 'properties') return ' properties='
  return member === 'downloadHandlerId' ? ' downloadHandler=' : ''
}
