import type { BaseFileChoice, FileChoice, StepChoice, UpdateChoices } from '../../domain/authoring/choices.ts'
import { type Draft, type FileDraft, inlineSteps, type RelatedFileDraft } from './draft.ts'
import type { MeasuredFile } from './measure-files.ts'

export interface DraftChoices {
  choices: UpdateChoices
  /** Where each of the files in `choices` comes from. */
  fileDrafts: FileDraft[]
  /** Sentences about files that cannot be in one update together. */
  mistakes: string[]
}

/** The choices that a draft means. What was not given is empty. */
export function draftChoices(
  draft: Draft,
  { files, createdDateTime }: { files: ReadonlyMap<string, MeasuredFile>; createdDateTime: string },
): DraftChoices {
  const { gathered, mistakes } = gatherFiles(draft, files)
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
      const names = step.fileNames ?? step.files.map(({ path }) => files.get(path)!.fileName)
      return { type: 'inline', handler, description, handlerProperties, files: [...new Set(names)] }
    }),
    files: gathered.map(({ choice }) => choice),
    createdDateTime,
  }
  return { choices, fileDrafts: gathered.map(({ draft }) => draft), mistakes }
}

function wholeId({ provider = '', name = '', version = '' }: Draft['updateId']): UpdateChoices['updateId'] {
  return { provider, name, version }
}

interface GatheredFile {
  draft: FileDraft
  choice: FileChoice
}

/** Every file once, however many steps use it. */
function gatherFiles(draft: Draft, files: ReadonlyMap<string, MeasuredFile>) {
  const gathered = new Map<string, GatheredFile>()
  const mistakes: string[] = []
  for (const file of inlineSteps(draft).flatMap(({ files }) => files)) {
    const choice = fileChoice(file, files)
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
  return { gathered: [...gathered.values()], mistakes }
}

function fileChoice(file: FileDraft, files: ReadonlyMap<string, MeasuredFile>): FileChoice {
  return {
    ...baseFileChoice(file, files),
    ...(file.downloadHandlerId !== undefined && { downloadHandlerId: file.downloadHandlerId }),
    relatedFiles: file.relatedFiles.map((related) => baseFileChoice(related, files)),
  }
}

function baseFileChoice(
  { path, properties }: RelatedFileDraft,
  files: ReadonlyMap<string, MeasuredFile>,
): BaseFileChoice {
  const { fileName, sizeInBytes, sha256 } = files.get(path)!
  return { fileName, sizeInBytes, sha256, properties }
}

function hasDetails({ downloadHandlerId, properties, relatedFiles }: FileDraft): boolean {
  return downloadHandlerId !== undefined || properties.length > 0 || relatedFiles.length > 0
}

function detailsOf({ downloadHandlerId, properties, relatedFiles }: FileChoice): string {
  return JSON.stringify([downloadHandlerId, properties, relatedFiles])
}
