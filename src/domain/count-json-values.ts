const QUOTE = 0x22
const BACKSLASH = 0x5c
/** What a member or an item comes after: a comma, or the beginning of an object or a list. */
const BEGINNINGS: ReadonlySet<number> = new Set([0x2c, 0x5b, 0x7b])

/**
 * How many members and items a JSON text has, at most: an empty object or list counts as if it had one. Stops at `max` + 1. The text is not
 * checked; it takes about two milliseconds for 1 MiB, whatever is in it, where parsing may take a hundred times as long.
 */
export function countJsonValues(text: Uint8Array, max: number): number {
  let count = 0
  let isInString = false
  for (let i = 0; i < text.length && count <= max; i += 1) {
    const byte = text[i] as number
    if (isInString) {
      if (byte === BACKSLASH) i += 1
      else if (byte === QUOTE) isInString = false
    } else if (byte === QUOTE) isInString = true
    else if (BEGINNINGS.has(byte)) count += 1
  }
  return count
}
