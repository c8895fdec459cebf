import type { Findings } from '../findings.ts'
import type { ManifestBaseFile, ManifestFile, ManifestVersion } from '../import-manifest.ts'
import { type JsonNode, quote } from '../json-document.ts'
import { LIMITS } from '../limits.ts'
import { readFreeObject, readItems, readMembers, readText, readWholeNumber } from '../read-json-values.ts'
import { readHandler } from './handler.ts'
import { readHashes } from './read-hashes.ts'
import { otherVersionsWith, VERSION_RULES } from './version-rules.ts'

/** Reads the payload files with their related files, and what holds for all of them together. */
export function readFiles(node: JsonNode | undefined, version: ManifestVersion, findings: Findings): ManifestFile[] {
  const { filesMin, filesMax, updateBytesMax } = VERSION_RULES[version]
  const names = new FileNames(findings)
  const files = readItems(node, { min: filesMin, max: filesMax }, findings).map((item) => {
    return readFile(item, { version, names, findings })
  })
  const sizes = files.flatMap((file) => [file, ...file.relatedFiles]).map((file) => file.sizeInBytes)
  const total = sizes.reduce((sum, size) => sum + size, 0)
  if (node !== undefined && total > updateBytesMax) {
    const message = `The files have ${total} bytes together, but may have ${updateBytesMax}. Split the update into a parent and children.`
    findings.error('FileTotalTooLarge', node, message)
  }
  return files
}

interface Context {
  version: ManifestVersion
  names: FileNames
  findings: Findings
}

function readFile(node: JsonNode, context: Context): ManifestFile {
  const { findings } = context
  const members = readFileMembers(node, context)
  const file = readBaseFile(node, members, context)
  const relatedFiles = readItems(members.relatedFiles, { max: LIMITS.relatedFilesMax }, findings).map((item) => {
    return readBaseFile(item, readFileMembers(item, context), context)
  })
  if (members.relatedFiles !== undefined && relatedFiles.length > 0 && members.downloadHandler === undefined) {
    findings.advise(
      members.relatedFiles,
      'Devices ignore related files without "downloadHandler". Name one, such as microsoft/delta:1.',
    )
  }
  const { id } = readMembers(members.downloadHandler, { required: ['id'], others: 'allowed' }, findings)
  const downloadHandlerId = readHandler(id, { max: LIMITS.downloadHandlerLengthMax }, findings)
  return { ...file, relatedFiles, ...(id && { downloadHandlerId }) }
}

function readFileMembers(node: JsonNode, { version, findings }: Context) {
  const { fileOptional, otherFileMembers } = VERSION_RULES[version]
  return readMembers(
    node,
    {
      required: ['filename', 'sizeInBytes', 'hashes'],
      optional: fileOptional,
      others: otherFileMembers,
      elsewhere: (name) => otherVersionsWith(name, { version, membersOf: (rules) => rules.fileOptional }),
    },
    findings,
  )
}

function readBaseFile(
  node: JsonNode,
  members: ReturnType<typeof readFileMembers>,
  { version, names, findings }: Context,
): ManifestBaseFile {
  const properties = readFreeObject(members.properties, findings)
  return {
    fileName: readFileName(members.filename, names, findings),
    sizeInBytes: readWholeNumber(members.sizeInBytes, { min: 1, max: VERSION_RULES[version].fileBytesMax }, findings),
    hashes: readHashes(members.hashes, findings),
    ...(properties && { properties }),
    ...(members.mimeType && { mimeType: readText(members.mimeType, { max: 255 }, findings) }),
    pointer: node.pointer,
  }
}

/** Devices and stores use the name as the name of a file, whatever their system. */
function readFileName(node: JsonNode | undefined, names: FileNames, findings: Findings): string {
  const isUnsafe = typeof node?.value === 'string' && /[/\\\p{Cc}]|^\.\.?$/u.test(node.value)
  if (node !== undefined && isUnsafe) {
    const message = `${node.label} must be a plain file name: without / and \\ and control characters, and not "." or "..".`
    findings.error('FileNameUnsafe', node, message)
    return String(node.value)
  }
  const fileName = readText(node, { max: LIMITS.fileNameLengthMax }, findings)
  if (node === undefined || fileName === '') return fileName
  if (/[:*?"<>|]/.test(fileName)) {
    findings.advise(node, `${quote(fileName)} has one of : * ? " < > |, which Windows does not allow in file names.`)
  }
  names.add(node, fileName)
  return fileName
}

/** Keeps names unique over the whole update, without regard to letter case: manifests for devices have them in lower case. */
class FileNames {
  readonly #first = new Map<string, JsonNode>()
  readonly #findings: Findings

  constructor(findings: Findings) {
    this.#findings = findings
  }

  add(node: JsonNode, fileName: string): void {
    const key = fileName.toLowerCase()
    const first = this.#first.get(key)
    if (first === undefined) this.#first.set(key, node)
    else {
      const message = `${quote(fileName)} is the name at ${first.pointer} already; letter case makes no difference. Rename one.`
      this.#findings.error('FileNameRepeated', node, message)
    }
  }
}
