import { readJsonDocument } from '../../../../src/domain/json-document.ts'
import { LIMITS } from '../../../../src/domain/limits.ts'

/**
 * Whether a file is meant as an import manifest: by its name, which the official tools end in `.importmanifest.json`, or by what only
 * import manifests have. A name that is right makes a broken document one too, so that its mistakes are told.
 */
export function isImportManifest(name: string, bytes: Uint8Array): boolean {
  if (/import[-_.]?manifest[^/]*\.json$/i.test(name)) return true
  if (!/\.json$/i.test(name)) return false
  try {
    const root = readJsonDocument(bytes, { what: 'manifest', bytesMax: LIMITS.manifestBytesMax })
    const members = root.members.map((member) => member.name.toLowerCase())
    return members.includes('updateid') && (members.includes('manifestversion') || members.includes('compatibility'))
  } catch {
    return false
  }
}
