import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { COMPONENTS } from '../../src/http/documents.ts'

type Node = { [member: string]: unknown }

/**
 * Everything about a document that its schema does not allow. Stricter than the schema itself: members that it does not name are
 * mistakes, and so is every `null`, since the original service leaves absent members out (recorded traffic, 2021).
 */
export function mistakesIn(document: unknown, schema: TSchema): string[] {
  const $defs = Object.fromEntries(
    COMPONENTS.map((component) => [(component as { $id?: string }).$id, closed(component)]),
  )
  const validator = Compile({ $defs, ...(closed(schema) as Node) } as TSchema)
  const errors = validator.Errors(document).map(({ instancePath, message }) => `${instancePath} ${message}`)
  return [...errors, ...nullsIn(document, '')]
}

/** The schema as plain JSON Schema, in which objects that list their members have no others. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed)
  if (typeof schema !== 'object' || schema === null) return schema
  const { $id, ...members } = schema as Node
  const node: Node = Object.fromEntries(Object.entries(members).map(([name, value]) => [name, closed(value)]))
  if (typeof node.$ref === 'string') node.$ref = `#/$defs/${node.$ref.replace('#', '')}`
  if (node.type === 'object' && node.properties !== undefined) node.additionalProperties ??= false
  return node
}

function nullsIn(value: unknown, pointer: string): string[] {
  if (value === null) return [`${pointer} is null`]
  if (typeof value !== 'object') return []
  return Object.entries(value).flatMap(([name, member]) => nullsIn(member, `${pointer}/${name}`))
}
