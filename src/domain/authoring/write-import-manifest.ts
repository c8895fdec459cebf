import { format } from 'jsonc-parser'
import { type JsonValue, jsonText, RawJson } from '../json-text.ts'
import type { AuthoredVersion, BaseFileChoice, FileChoice, Property, StepChoice, UpdateChoices } from './choices.ts'

/**
 * The import manifest that says what was chosen, right or wrong: readable JSON with a line end. Members stand in the order in
 * which the official tools write them: 5.0 as the Azure CLI, 4.0 and 2.0 as the PowerShell module. `$schema`, which they leave
 * out, lets editors check and complete what is changed by hand.
 */
export function writeImportManifest(choices: UpdateChoices): string {
  return `${indented(jsonText(DOCUMENTS[choices.manifestVersion](choices)))}\n`
}

/** The same JSON with line breaks and blanks, everything else to the letter. */
function indented(text: string): string {
  let written = ''
  let end = 0
  // The library's own way to apply the edits takes seconds for a large manifest.
  for (const { offset, length, content } of format(text, undefined, { insertSpaces: true, tabSize: 2, eol: '\n' })) {
    written += text.slice(end, offset) + content
    end = offset + length
  }
  return written + text.slice(end)
}

const DOCUMENTS: Record<AuthoredVersion, (choices: UpdateChoices) => JsonValue> = {
  '5.0': ({ manifestVersion, createdDateTime, updateId, isDeployable, description, ...choices }) => ({
    $schema: schemaOf('5.0'),
    manifestVersion,
    createdDateTime,
    updateId: { name: updateId.name, provider: updateId.provider, version: updateId.version },
    // The Azure CLI writes it only where it is not the default.
    isDeployable: isDeployable === false ? false : undefined,
    description,
    compatibility: choices.compatibility.map(objectOf),
    instructions: {
      steps: choices.steps.map((step) => {
        const { type, handler, files, handlerProperties, updateId, description } = stepMembers(step)
        return { type, updateId, handler, files, handlerProperties, description }
      }),
    },
    files: listOf(choices.files, (file) => {
      const { filename, sizeInBytes, hashes, ...rest } = fileMembers(file)
      return { hashes, filename, sizeInBytes, ...rest }
    }),
  }),
  '4.0': ({ updateId, description, isDeployable = true, compatibility, steps, files, ...choices }) => ({
    $schema: schemaOf('4.0'),
    updateId: { provider: updateId.provider, name: updateId.name, version: updateId.version },
    description,
    isDeployable,
    compatibility: compatibility.map(objectOf),
    instructions: { steps: steps.map(stepMembers) },
    files: listOf(files, fileMembers),
    createdDateTime: choices.createdDateTime,
    manifestVersion: choices.manifestVersion,
  }),
  '2.0': ({ updateId, description, isDeployable, compatibility, steps, files, ...choices }) => {
    const [step] = steps.filter(({ type }) => type === 'inline')
    const { handler = '', handlerProperties = [] } = step?.type === 'inline' ? step : {}
    const criteria = handlerProperties.find(({ name }) => name === 'installedCriteria')
    return {
      updateId: { provider: updateId.provider, name: updateId.name, version: updateId.version },
      // Not a member of 2.0, and refused with the versions that have it.
      description,
      updateType: handler,
      installedCriteria: criteria?.value ?? '',
      isDeployable: isDeployable === false ? false : undefined,
      compatibility: compatibility.map(objectOf),
      files: files.map(fileMembers),
      createdDateTime: choices.createdDateTime,
      manifestVersion: choices.manifestVersion,
    }
  },
}

/** Where editors find the published schema; 2.0 has none. */
function schemaOf(version: AuthoredVersion): string {
  return `https://json.schemastore.org/azure-deviceupdate-import-manifest-${version}.json`
}

function stepMembers(step: StepChoice) {
  const { type, description } = step
  return step.type === 'inline'
    ? {
        type,
        description,
        handler: step.handler,
        files: step.files,
        handlerProperties: optionalObjectOf(step.handlerProperties),
      }
    : { type, description, updateId: { ...step.updateId } }
}

function fileMembers(file: FileChoice) {
  return {
    ...baseFileMembers(file),
    properties: optionalObjectOf(file.properties),
    downloadHandler: file.downloadHandlerId === undefined ? undefined : { id: file.downloadHandlerId },
    relatedFiles: listOf(file.relatedFiles ?? [], (related) => {
      const { filename, sizeInBytes, hashes } = baseFileMembers(related)
      return { hashes, filename, sizeInBytes, properties: optionalObjectOf(related.properties) }
    }),
  }
}

function baseFileMembers({ fileName, sizeInBytes, sha256 }: BaseFileChoice) {
  return { filename: fileName, sizeInBytes, hashes: { sha256 } }
}

/** A list that may be left out is left out where it is empty. */
function listOf<Choice>(choices: readonly Choice[], written: (choice: Choice) => JsonValue): JsonValue {
  return choices.length === 0 ? undefined : choices.map(written)
}

function optionalObjectOf(properties: readonly Property[] = []): JsonValue {
  return properties.length === 0 ? undefined : objectOf(properties)
}

/** Not by way of an object, which would lose repeated names and put numeric ones first. */
function objectOf(properties: readonly Property[]): RawJson {
  return new RawJson(`{${properties.map(({ name, value }) => `${JSON.stringify(name)}:${jsonText(value)}`).join(',')}}`)
}
