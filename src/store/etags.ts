import { randomUUID } from 'node:crypto'

/** A fresh entity tag: a quoted GUID, the same in the header and in the body (recorded traffic, 2021). */
export function newEtag(): string {
  return `"${randomUUID()}"`
}
