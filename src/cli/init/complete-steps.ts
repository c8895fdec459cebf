import { addNeededProperties } from '../../domain/authoring/suggest-property.ts'
import { readAptPayload } from '../read-apt-payload.ts'
import { type Draft, inlineSteps } from './draft.ts'
import type { MeasuredFile } from './measure-files.ts'

/** Adds what handlers need and what follows from the rest. Answers the sentences that say so. */
export async function completeSteps(draft: Draft, files: ReadonlyMap<string, MeasuredFile>): Promise<string[]> {
  const notes: string[] = []
  const { manifestVersion } = draft
  // Without a version nothing will be written.
  const { version = '1.0' } = draft.updateId
  for (const step of inlineSteps(draft)) {
    const { handler, properties: handlerProperties, label = '--handler' } = step
    if (handler === undefined) continue
    const names = step.fileNames ?? step.files.map(({ path }) => files.get(path)!.fileName)
    const [file] = step.files
    const { aptManifest, lines = [] } =
      handler === 'microsoft/apt:1' && file !== undefined ? await readAptPayload(file.path) : {}
    const { added } = addNeededProperties(
      { type: 'inline', handler, handlerProperties, files: names },
      { manifestVersion, version, aptManifest },
    )
    step.properties.push(...added)
    const needs = manifestVersion === '2.0' ? 'manifest 2.0' : handler
    notes.push(
      ...lines.map((line) => `warning: --file ${file?.path}: ${line}`),
      ...added.map(({ name, value }) => `note: ${label}: ${needs} needs ${name}; wrote "${value}".`),
    )
  }
  return notes
}
