import type { Findings } from '../findings.ts'
import type { JsonNode } from '../json-document.ts'
import { readText } from '../read-json-values.ts'

const DATE_TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|([+-])([01]\d|2[0-3]):([0-5]\d))?$/i

/** Reads the moment a manifest was made (import schema 4.0, createdDateTime) as UTC. */
export function readCreatedDateTime(node: JsonNode | undefined, findings: Findings): string {
  const words = 'an ISO 8601 date and time in UTC, such as 2020-10-02T22:18:04.9446744Z'
  const text = readText(node, { max: 64, form: { accepts: (text) => utcOf(text) !== undefined, words } }, findings)
  return utcOf(text) ?? ''
}

/**
 * The same moment in UTC, with at most seven digits of fraction (what the .NET tools write) and no zeros at its end.
 * A time without zone counts as UTC, since an official tool leaves it out. Undefined if there is no such moment.
 */
export function utcOf(text: string): string | undefined {
  const parts = DATE_TIME.exec(text)
  if (parts === null) return undefined
  const [, written = '', digits = '', , sign, hours, minutes] = parts
  const local = written.toUpperCase()
  const time = Date.parse(`${local}Z`)
  // The parser of dates turns 30 February into 2 March.
  if (Number.isNaN(time) || !new Date(time).toISOString().startsWith(local)) return undefined
  const offsetMinutes = sign === undefined ? 0 : Number(`${sign}1`) * (Number(hours) * 60 + Number(minutes))
  const utc = new Date(time - offsetMinutes * 60_000).toISOString()
  // Years before 1 or after 9999 do not fit the form.
  if (!/^\d{4}-/.test(utc) || utc.startsWith('0000')) return undefined
  const fraction = digits.slice(0, 7).replace(/0+$/, '')
  return `${utc.slice(0, 19)}${fraction && `.${fraction}`}Z`
}
