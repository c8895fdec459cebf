import { AppError } from './errors.ts'
import { Findings } from './findings.ts'
import type { ImportManifest, ManifestFile, ManifestReading, ManifestStep, ManifestVersion } from './import-manifest.ts'
import { type JsonNode, quote, readJsonDocument } from './json-document.ts'
import { LIMITS } from './limits.ts'
import { readHandler } from './manifest/handler.ts'
import { knownParts } from './manifest/known-parts.ts'
import { readCompatibility } from './manifest/read-compatibility.ts'
import { readCreatedDateTime } from './manifest/read-created-date-time.ts'
import { readFiles } from './manifest/read-files.ts'
import { readManifestVersion } from './manifest/read-manifest-version.ts'
import { readReference } from './manifest/read-reference.ts'
import { readSteps, type StepContext } from './manifest/read-steps.ts'
import { readUpdateId } from './manifest/read-update-id.ts'
import { otherVersionsWith, type RootMember, VERSION_RULES } from './manifest/version-rules.ts'
import { readBoolean, readItems, readMembers, readText, refuseRepeatedMembers } from './read-json-values.ts'
import type { UpdateId } from './update-id.ts'

/**
 * Reads an import manifest of version 2.0, 3.0, 4.0 or 5.0 from its bytes, tolerant in form (byte order mark, line ends,
 * order and letter case of known members) and strict in content. Never throws on account of the bytes: every mistake is in
 * `errors`, in the order of the document.
 */
export function readImportManifest(bytes: Uint8Array): ManifestReading {
  let root: JsonNode
  try {
    root = readJsonDocument(bytes, { what: 'manifest', bytesMax: LIMITS.manifestBytesMax })
  } catch (error) {
    if (error instanceof AppError) return { errors: [error], warnings: [] }
    throw error
  }
  const findings = new Findings()
  refuseRepeatedMembers(root, findings)
  const version = readManifestVersion(root, findings)
  const draft = version && readManifest(root, version, findings)
  const errors = findings.errors()
  return {
    ...(draft && errors.length === 0 && { manifest: draft }),
    ...(draft && { parts: knownParts(draft, errors) }),
    errors,
    warnings: findings.warnings(),
  }
}

/** What this answers is whole only if nothing was found. */
function readManifest(root: JsonNode, version: ManifestVersion, findings: Findings): ImportManifest {
  const rules = VERSION_RULES[version]
  const members = readMembers<RootMember>(
    root,
    {
      ...rules,
      elsewhere: (name) => {
        return otherVersionsWith(name, { version, membersOf: ({ required, optional }) => [...required, ...optional] })
      },
    },
    findings,
  )
  if (members.$schema) readText(members.$schema, { max: LIMITS.urlLengthMax }, findings)
  const updateId = readUpdateId(members.updateId, findings)
  // Import schema 4.0, files: "May be empty or null if all instruction steps are reference steps."
  const filesNode = rules.filesMin === 0 && members.files?.type === 'null' ? undefined : members.files
  const files = readFiles(filesNode, version, findings)
  const content = rules.required.includes('instructions')
    ? readStepContent(members, { self: updateId, files, findings })
    : readTypeContent(members, updateId, findings)
  const needsFiles = content.steps?.some(({ type }) => type === 'inline') ?? content.references.length === 0
  const hasNone = filesNode === undefined || (filesNode.type === 'array' && files.length === 0)
  if (rules.filesMin === 0 && needsFiles && hasNone) {
    const unless = content.steps ? 'all its steps are reference steps' : 'it bundles other updates'
    findings.error(
      'FilesMissing',
      members.files ?? root,
      `The manifest has no files. List them in "files", unless ${unless}.`,
    )
  }
  if (content.steps) adviseOnUnusedFiles(filesNode, { files, steps: content.steps }, findings)
  return {
    manifestVersion: version,
    updateId,
    isDeployable: members.isDeployable === undefined || readBoolean(members.isDeployable, findings),
    ...content,
    compatibility: readCompatibility(members.compatibility, rules, findings),
    files,
    createdDateTime: readCreatedDateTime(members.createdDateTime, findings),
  }
}

type RootMembers = Partial<Record<RootMember, JsonNode>>
type Content = Pick<ImportManifest, 'description' | 'updateType' | 'installedCriteria' | 'steps' | 'references'>

/** What installs the update, in versions 2.0 and 3.0. */
function readTypeContent(members: RootMembers, self: UpdateId, findings: Findings): Content {
  const bundled = members.bundledUpdates?.type === 'null' ? undefined : members.bundledUpdates
  return {
    updateType: readHandler(members.updateType, {}, findings),
    installedCriteria: readText(members.installedCriteria, { max: LIMITS.installedCriteriaLengthMax }, findings),
    references: readItems(bundled, { max: LIMITS.bundledUpdatesMax }, findings).map((node) => {
      return readReference(node, self, findings)
    }),
  }
}

/** What installs the update, in versions 4.0 and 5.0. */
function readStepContent(members: RootMembers, context: StepContext): Content {
  const steps = readSteps(members.instructions, context)
  const description =
    members.description &&
    readText(members.description, { max: LIMITS.descriptionLengthMax, isProse: true }, context.findings)
  return {
    ...(description !== undefined && { description }),
    steps: steps.map(({ step }) => step),
    references: steps.flatMap(({ reference }) => reference ?? []),
  }
}

function adviseOnUnusedFiles(
  node: JsonNode | undefined,
  { files, steps }: { files: readonly ManifestFile[]; steps: readonly ManifestStep[] },
  findings: Findings,
): void {
  // A name in other letter case is a mistake of its own.
  const used = new Set(
    steps.flatMap((step) => (step.type === 'inline' ? step.files : [])).map((name) => name.toLowerCase()),
  )
  for (const [i, { fileName }] of files.entries()) {
    const item = node?.items[i]
    if (item !== undefined && steps.length > 0 && fileName !== '' && !used.has(fileName.toLowerCase())) {
      findings.advise(
        item,
        `No step uses ${quote(fileName)}, so devices will not get it. Name it in a step, or remove it.`,
      )
    }
  }
}
