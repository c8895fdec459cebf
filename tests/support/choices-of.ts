import {
  AUTHORED_VERSIONS,
  type BaseFileChoice,
  type FileChoice,
  type Property,
  type StepChoice,
  type UpdateChoices,
} from '../../src/domain/authoring/choices.ts'
import { propertiesOf, readProperties } from '../../src/domain/authoring/read-properties.ts'
import type { ImportManifest, ManifestBaseFile, ManifestFile, ManifestStep } from '../../src/domain/import-manifest.ts'
import { readJsonDocument } from '../../src/domain/json-document.ts'
import type { RawJson } from '../../src/domain/json-text.ts'

/** The choices that a manifest was written from, as far as it tells: the way back, for comparison. */
export function choicesOf(manifest: ImportManifest): UpdateChoices {
  const manifestVersion = AUTHORED_VERSIONS.find((version) => version === manifest.manifestVersion)
  if (manifestVersion === undefined) throw new Error(`${manifest.manifestVersion} is never written`)
  const { updateId, description, isDeployable, createdDateTime, files } = manifest
  const compatibility = readJsonDocument(Buffer.from(manifest.compatibility.text), {
    what: 'compatibility',
    bytesMax: 1_000_000,
  })
  return {
    manifestVersion,
    updateId,
    ...(description !== undefined && { description }),
    isDeployable,
    compatibility: compatibility.items.map(propertiesOf),
    steps: manifest.steps?.map(stepChoice) ?? [
      {
        type: 'inline',
        handler: manifest.updateType ?? '',
        handlerProperties: [{ name: 'installedCriteria', value: manifest.installedCriteria }],
        files: files.map(({ fileName }) => fileName),
      },
    ],
    files: files.map(fileChoice),
    createdDateTime,
  }
}

function stepChoice(step: ManifestStep): StepChoice {
  if (step.type === 'reference') return step
  const { handlerProperties, ...others } = step
  return { ...others, ...propertiesIn('handlerProperties', handlerProperties) }
}

function propertiesIn<Name extends string>(name: Name, json: RawJson | undefined): Partial<Record<Name, Property[]>> {
  if (json === undefined) return {}
  return { [name]: readProperties(json.text, { what: name }) } as Partial<Record<Name, Property[]>>
}

function fileChoice({ relatedFiles, downloadHandlerId, ...file }: ManifestFile): FileChoice {
  return {
    ...baseFileChoice(file),
    ...(downloadHandlerId !== undefined && { downloadHandlerId }),
    ...(relatedFiles.length > 0 && { relatedFiles: relatedFiles.map(baseFileChoice) }),
  }
}

function baseFileChoice({ fileName, sizeInBytes, hashes, properties }: ManifestBaseFile): BaseFileChoice {
  return { fileName, sizeInBytes, sha256: hashes.sha256 ?? '', ...propertiesIn('properties', properties) }
}
