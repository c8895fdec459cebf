import type { CustomTypesConfig } from 'pg'
import type { SqlValue } from '../../ports/database.ts'

/**
 * What PostgreSQL is sent for a value. It keeps no character NUL in a text: one becomes U+FFFD, as half a character does on its way.
 * Throws a `TypeError` for what is no value: `pg` would make a text of it without a word.
 */
export function bound(value: SqlValue): SqlValue {
  switch (typeof value) {
    case 'string':
      return value.includes('\0') ? value.replaceAll('\0', '\ufffd') : value
    case 'number':
    case 'bigint':
    case 'boolean':
      return value
    default:
      if (value === null || value instanceof Uint8Array) return value
      throw new TypeError(
        `A value cannot be bound, since it is ${value === undefined ? 'undefined' : `a ${typeof value}`}.`,
      )
  }
}

/** As a number where that is exact. */
function integer(text: string): number | bigint {
  const value = Number(text)
  return Number.isSafeInteger(value) ? value : BigInt(text)
}

/** Sums of `bigint` are `numeric`. */
function numeric(text: string): number | bigint {
  return /^-?\d+$/.test(text) ? integer(text) : Number(text)
}

function bytes(text: string): Uint8Array {
  // "\x", then two digits for each byte.
  return Uint8Array.from(Buffer.from(text.slice(2), 'hex'))
}

/** Booleans come back as 1 and 0, which is how SQLite keeps them. */
function flag(text: string): number {
  return text === 't' ? 1 : 0
}

// Numbers of types: https://github.com/postgres/postgres/blob/master/src/include/catalog/pg_type.dat
const PARSERS: Record<number, (text: string) => SqlValue> = {
  16: flag, // bool
  17: bytes, // bytea
  20: integer, // int8
  21: Number, // int2
  23: Number, // int4
  26: Number, // oid
  700: Number, // float4
  701: Number, // float8
  1700: numeric,
}

/** How `pg` shall read values: everything else, such as a time, stays the text that the server sent. */
export const typeParsers = {
  getTypeParser: (type: number) => PARSERS[type] ?? ((text: string) => text),
} as CustomTypesConfig
