export interface Identity {
  provider: string
  name: string
  version: string
}

export interface DeclaredFile {
  name: string
  sizeInBytes: number
  /** Algorithm in lower case → base64. */
  hashes: Record<string, string>
  /** The file that it is a related file of. */
  base: string | undefined
}

/** What an import manifest of any version says about contents and other updates. */
export interface DeclaredContent {
  identity: Identity
  files: DeclaredFile[]
  references: Identity[]
}

type Members = Record<string, unknown>

/**
 * Reads a manifest that was accepted, with `JSON.parse` and nothing of the server's: names of members in any letter case, a byte order
 * mark. Throws where it is no manifest at all.
 */
export function readDeclaredContent(bytes: Uint8Array): DeclaredContent {
  const root = membersOf(JSON.parse(new TextDecoder().decode(bytes)))
  const steps = listOf(membersOf(root.instructions ?? {}).steps).map(membersOf)
  const referenceSteps = steps.filter(({ type }) => String(type).toLowerCase() === 'reference')
  const files = listOf(root.files).map(membersOf)
  return {
    identity: identityOf(root.updateid),
    files: files.flatMap((file) => [
      fileOf(file, undefined),
      ...listOf(file.relatedfiles).map((related) => fileOf(membersOf(related), String(file.filename))),
    ]),
    references: [...referenceSteps.map(({ updateid }) => updateid), ...listOf(root.bundledupdates)].map(identityOf),
  }
}

/** Two identities are the same if these texts are: letter case and leading zeros make no difference. */
export function keyOf({ provider, name, version }: Identity): string {
  return [provider.toLowerCase(), name.toLowerCase(), ...version.split('.').map(Number)].join('/')
}

function fileOf(file: Members, base: string | undefined): DeclaredFile {
  const hashes = Object.entries(membersOf(file.hashes)).map(([algorithm, digest]) => [algorithm, String(digest)])
  return {
    name: String(file.filename),
    sizeInBytes: Number(file.sizeinbytes),
    hashes: Object.fromEntries(hashes),
    base,
  }
}

function identityOf(value: unknown): Identity {
  const { provider, name, version } = membersOf(value)
  return { provider: String(provider), name: String(name), version: String(version) }
}

/** The members of an object by their names in lower case. */
function membersOf(value: unknown): Members {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('an object is missing')
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name.toLowerCase(), member]))
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}
