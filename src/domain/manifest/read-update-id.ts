import type { Findings } from '../findings.ts'
import type { JsonNode } from '../json-document.ts'
import { LIMITS } from '../limits.ts'
import { readMembers, readText } from '../read-json-values.ts'
import { normaliseVersion, type UpdateId } from '../update-id.ts'

const IDENTITY = {
  max: LIMITS.identityLengthMax,
  form: {
    accepts: (text: string) => /^[a-zA-Z0-9.-]+$/.test(text),
    words: 'made of letters a to z, digits, dots and dashes',
  },
}

const VERSION = {
  // Four parts of up to 64 digits: room for leading zeros.
  max: 259,
  form: {
    accepts: (text: string) => normaliseVersion(text) !== undefined,
    words: 'two to four numbers from 0 to 2147483647 with dots between them, such as 1.0 or 2021.11.8',
  },
}

/** Whether each part is one. Where `readUpdateId` noted a mistake it need not be. */
export function isUpdateId({ provider, name, version }: UpdateId): boolean {
  const isPart = (text: string) => text.length <= IDENTITY.max && IDENTITY.form.accepts(text)
  return isPart(provider) && isPart(name) && normaliseVersion(version) !== undefined
}

/** Reads an update identity (import schema 4.0, updateId); its version comes back normalised. */
export function readUpdateId(node: JsonNode | undefined, findings: Findings): UpdateId {
  const members = readMembers(node, { required: ['provider', 'name', 'version'] }, findings)
  const provider = readText(members.provider, IDENTITY, findings)
  const name = readText(members.name, IDENTITY, findings)
  const version = readText(members.version, VERSION, findings)
  return { provider, name, version: normaliseVersion(version) ?? '' }
}
