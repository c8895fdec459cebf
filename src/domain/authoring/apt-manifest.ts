import { AppError } from '../errors.ts'
import { Findings } from '../findings.ts'
import { type JsonNode, quote, readJsonDocument } from '../json-document.ts'
import { LIMITS } from '../limits.ts'
import { readBoolean, readItems, readMembers, readText, refuseRepeatedMembers } from '../read-json-values.ts'

/** The payload of a step of `microsoft/apt:1`: which Debian packages to install, in this order. */
export interface AptManifest {
  name: string
  version: string
  /** A package without version comes in the newest one that the device's sources have; a name that ends in `-` is removed. */
  packages: readonly { name: string; version?: string | undefined }[]
  /** The agent restarts itself afterwards; it also does so after a package that begins with `deviceupdate-agent`. */
  agentRestartRequired?: boolean | undefined
}

export interface AptManifestReading {
  /** There only if `errors` is empty. */
  aptManifest?: AptManifest
  /** What the agent of the device would refuse or fail at; `target` is a JSON Pointer. */
  errors: AppError[]
  /** Advice; code `Advice`. */
  warnings: AppError[]
}

/** The APT manifest as a file: readable JSON with a line end. Nothing is checked; `readAptManifest` judges it. */
export function writeAptManifest({ name, version, packages, agentRestartRequired }: AptManifest): string {
  return `${JSON.stringify({ name, version, packages, ...(agentRestartRequired && { agentRestartRequired }) }, null, 2)}\n`
}

/**
 * Reads an APT manifest as the reference agent does (agent documentation, APT manifest), which compares letter case.
 * Never throws on account of the bytes.
 */
export function readAptManifest(bytes: Uint8Array): AptManifestReading {
  let root: JsonNode
  try {
    root = readJsonDocument(bytes, { what: 'APT manifest', bytesMax: LIMITS.manifestBytesMax })
  } catch (error) {
    if (error instanceof AppError) return { errors: [error], warnings: [] }
    throw error
  }
  const findings = new Findings()
  refuseRepeatedMembers(root, findings)
  const aptManifest = readRoot(root, findings)
  const errors = findings.errors()
  return { ...(errors.length === 0 && { aptManifest }), errors, warnings: findings.warnings() }
}

/** Whether a document is meant as an APT manifest: it has packages, and nothing that every import manifest has. */
export function looksLikeAptManifest(bytes: Uint8Array): boolean {
  try {
    const root = readJsonDocument(bytes, { what: 'APT manifest', bytesMax: LIMITS.manifestBytesMax })
    const names = root.members.map(({ name }) => name.toLowerCase())
    return names.includes('packages') && !names.includes('manifestversion') && !names.includes('updateid')
  } catch {
    return false
  }
}

function readRoot(root: JsonNode, findings: Findings): AptManifest {
  const members = readExactMembers(
    root,
    { required: ['name', 'version'], optional: ['packages', 'agentRestartRequired'] },
    findings,
  )
  const text = { max: LIMITS.aptTextLengthMax }
  const name = readText(members.name, text, findings)
  const version = readText(members.version, text, findings)
  const items = readItems(members.packages, { min: 1, max: LIMITS.aptPackagesMax }, findings)
  if (root.type === 'object' && members.packages === undefined) {
    findings.advise(root, 'The APT manifest has no "packages", so nothing is installed. List them.')
  }
  const packages = items.map((item) => readPackage(item, findings))
  const agentRestartRequired = members.agentRestartRequired && readBoolean(members.agentRestartRequired, findings)
  return { name, version, packages, ...(agentRestartRequired !== undefined && { agentRestartRequired }) }
}

function readPackage(node: JsonNode, findings: Findings): AptManifest['packages'][number] {
  const members = readExactMembers(node, { required: ['name'], optional: ['version'] }, findings)
  const name = readArgument(members.name, findings)
  if (members.name && name !== '' && !/^[a-z0-9][a-z0-9+.-]+(:[a-z0-9-]+)?-?$/.test(name)) {
    findings.advise(
      members.name,
      `${quote(name)} does not look like a Debian package: lower-case letters, digits, plus, minus and dots; a dash at the end removes it.`,
    )
  }
  if (members.version === undefined) return { name }
  const version = readArgument(members.version, findings)
  if (version !== '' && !/^[A-Za-z0-9.+:~-]+$/.test(version)) {
    findings.advise(members.version, `${quote(version)} is no exact version, and ranges are not known here.`)
  }
  return { name, version }
}

/** The agent hands it to apt-get, which would take a dash at the beginning for an option. */
function readArgument(node: JsonNode | undefined, findings: Findings): string {
  const form = {
    accepts: (text: string) => /^[^-\s]\S*$/.test(text),
    words: 'without blanks and no dash at its beginning',
  }
  return readText(node, { max: LIMITS.aptTextLengthMax, form }, findings)
}

function readExactMembers<Name extends string>(
  node: JsonNode,
  rules: { required: readonly Name[]; optional: readonly Name[] },
  findings: Findings,
): Partial<Record<Name, JsonNode>> {
  const members = readMembers(node, { ...rules, others: 'allowed' }, findings)
  for (const [name, member] of Object.entries<JsonNode | undefined>(members)) {
    if (member !== undefined && member.name !== name) {
      const message = `The agent compares letter case: write "${name}" instead of ${quote(member.name)}.`
      findings.error('MemberUnknown', member, message)
    }
  }
  return members
}
