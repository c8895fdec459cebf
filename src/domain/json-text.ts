/** JSON that is kept to the letter: parsing it would reorder numeric keys and round large numbers. */
export class RawJson {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

export type JsonValue =
  | string
  | number
  | boolean
  | null
  | undefined
  | RawJson
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue }

/** Compact JSON; members that are undefined are left out, as the original service does (recorded traffic, 2021). */
export function jsonText(value: JsonValue): string {
  if (value instanceof RawJson) return value.text
  if (Array.isArray(value)) return `[${value.map((item) => jsonText(item ?? null)).join(',')}]`
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .map(([name, member]) => `${JSON.stringify(name)}:${jsonText(member)}`)
    return `{${members.join(',')}}`
  }
  return JSON.stringify(value ?? null)
}
