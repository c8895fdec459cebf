import type { Findings } from '../findings.ts'
import type { Reference } from '../import-manifest.ts'
import type { JsonNode } from '../json-document.ts'
import { formatUpdateId, sameUpdate, type UpdateId } from '../update-id.ts'
import { readUpdateId } from './read-update-id.ts'

/** Reads the identity of another update that the update `self` installs. */
export function readReference(node: JsonNode | undefined, self: UpdateId, findings: Findings): Reference {
  const updateId = readUpdateId(node, findings)
  const isWhole = Object.values(updateId).every((part) => part !== '')
  if (node !== undefined && isWhole && sameUpdate(updateId, self)) {
    const message = `${node.label} is ${formatUpdateId(self)}, which is this update itself. Reference another one.`
    findings.error('ReferenceToSelf', node, message)
  }
  return { updateId, pointer: node?.pointer ?? '' }
}
