import type { Findings } from '../findings.ts'
import type { ManifestVersion } from '../import-manifest.ts'
import { type JsonNode, quote } from '../json-document.ts'
import { VERSION_RULES } from './version-rules.ts'

/**
 * Which rules the manifest asks for. Undefined where that cannot be told; then one mistake is noted, since nothing else can
 * be judged.
 */
export function readManifestVersion(root: JsonNode, findings: Findings): ManifestVersion | undefined {
  const members = root.members
  const named = (name: string) => members.find((member) => member.name.toLowerCase() === name)
  if (root.type === 'array' || named('importmanifest') !== undefined) {
    const message =
      'This looks like the body of an import request, not like a manifest. Take what its "importManifest" names.'
    findings.error('TypeWrong', root, message)
    return undefined
  }
  if (root.type !== 'object') {
    findings.error('TypeWrong', root, `The manifest must be an object: { "manifestVersion": "5.0", … }.`)
    return undefined
  }
  const node = named('manifestversion')
  if (node === undefined) {
    const message =
      'The manifest lacks "manifestVersion", so its rules are not known. Add "manifestVersion": "5.0" (or 4.0, 3.0, 2.0).'
    findings.error('MemberMissing', root, message)
    return undefined
  }
  if (node.type !== 'string') {
    const number = Number(node.value)
    const example = node.type === 'number' && isKnown(number.toFixed(1)) ? number.toFixed(1) : '5.0'
    findings.error('TypeWrong', node, `${node.label} must be a text. Write it in quotes: "${example}".`)
    return undefined
  }
  const version = String(node.value)
  if (isKnown(version)) return version
  // The update manifest is what the service makes from an import manifest and signs for devices.
  const hint = ['3', '4', '5'].includes(version)
    ? `That is a version of the update manifest made for devices; an import manifest says "${version}.0".`
    : 'Known are 5.0, 4.0, 3.0 and 2.0.'
  findings.error('UnsupportedVersion', node, `${node.label} is ${quote(version)}. ${hint}`)
  return undefined
}

function isKnown(version: string): version is ManifestVersion {
  return Object.hasOwn(VERSION_RULES, version)
}
