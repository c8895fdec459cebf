import type { Findings } from '../findings.ts'
import type { JsonNode } from '../json-document.ts'
import { RawJson } from '../json-text.ts'
import { LIMITS } from '../limits.ts'
import { hasType, readItems, readMembers, readText } from '../read-json-values.ts'
import type { VersionRules } from './version-rules.ts'

/** Checks the property sets of devices an update is for, and keeps them to the letter (import schema 4.0, compatibility). */
export function readCompatibility(node: JsonNode | undefined, rules: VersionRules, findings: Findings): RawJson {
  for (const entry of readItems(node, { min: 1, max: LIMITS.compatibilityMax }, findings)) {
    if (rules.compatibility === 'manufacturer and model') checkManufacturerAndModel(entry, findings)
    else checkProperties(entry, findings)
  }
  return node?.compact() ?? new RawJson('[]')
}

function checkManufacturerAndModel(entry: JsonNode, findings: Findings): void {
  // Import manifest 2.0 says deviceManufacturer and deviceModel; samples since 2022 leave the prefix out.
  const isShort = entry.members.some(({ name }) => /^(manufacturer|model)$/i.test(name))
  const required = isShort ? ['manufacturer', 'model'] : ['deviceManufacturer', 'deviceModel']
  for (const value of Object.values(readMembers(entry, { required }, findings))) {
    readText(value, { max: LIMITS.compatibilityValueLengthMax }, findings)
  }
}

function checkProperties(entry: JsonNode, findings: Findings): void {
  if (!hasType(entry, 'object', findings)) return
  const properties = entry.members
  const max = LIMITS.compatibilityPropertiesMax
  if (properties.length < 1 || properties.length > max) {
    const message = `${entry.label} has ${properties.length} properties, but must have 1 to ${max}.`
    findings.error('CountWrong', entry, message)
  }
  for (const property of properties.slice(0, LIMITS.findingsMax)) {
    checkPropertyName(property, findings)
    readText(property, { max: LIMITS.compatibilityValueLengthMax }, findings)
  }
}

function checkPropertyName(property: JsonNode, findings: Findings): void {
  const { name, label } = property
  const length = Array.from(name).length
  const max = LIMITS.compatibilityNameLengthMax
  if (length < 1 || length > max) {
    findings.error('LengthWrong', property, `The name ${label} has ${length} characters, but must have 1 to ${max}.`)
  }
  if (!name.isWellFormed() || /\p{Cc}/u.test(name)) {
    findings.error('FormatWrong', property, `The name ${label} has a control character or half a character. Remove it.`)
  }
}
