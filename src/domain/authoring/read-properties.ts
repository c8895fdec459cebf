import { AppError } from '../errors.ts'
import { type JsonNode, readJsonDocument } from '../json-document.ts'
import { LIMITS } from '../limits.ts'
import type { Property } from './choices.ts'

/**
 * The members of a JSON object that a person typed, in their order and with values to the letter; repeated ones are all there,
 * since the judgement of the manifest tells them. `what` is what messages call the text. Throws an `AppError` where it is no
 * JSON object.
 */
export function readProperties(text: string, { what }: { what: string }): Property[] {
  const root = readJsonDocument(new TextEncoder().encode(text), { what, bytesMax: LIMITS.manifestBytesMax })
  if (root.type !== 'object') {
    throw new AppError('TypeWrong', `The ${what} must be a JSON object, such as {"name":"value"}.`)
  }
  return propertiesOf(root)
}

/** The members of an object of a document; texts as such, everything else to the letter. */
export function propertiesOf(node: JsonNode): Property[] {
  return node.members.map((member) => ({
    name: member.name,
    value: typeof member.value === 'string' ? member.value : member.compact(),
  }))
}
