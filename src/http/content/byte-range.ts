import type { ByteRange } from '../../ports/blob-store.ts'

/**
 * Reads a `Range` header for a file of this size (RFC 9110, 14.2). Undefined: send the whole file, which a server may always do,
 * and which this one does for anything but a single range of bytes. `unsatisfiable`: the range begins after the end.
 */
export function readByteRange(
  header: string | undefined,
  sizeInBytes: number,
): ByteRange | undefined | 'unsatisfiable' {
  const match = /^bytes=\s*(\d*)\s*-\s*(\d*)\s*$/i.exec(header ?? '')
  if (match === null) return undefined
  const [, first = '', last = ''] = match
  if (first === '') {
    if (last === '') return undefined
    const length = Math.min(Number(last), sizeInBytes)
    return length === 0 ? 'unsatisfiable' : { start: sizeInBytes - length, end: sizeInBytes - 1 }
  }
  const start = Number(first)
  const end = last === '' ? sizeInBytes - 1 : Math.min(Number(last), sizeInBytes - 1)
  if (last !== '' && Number(last) < start) return undefined
  return start < sizeInBytes ? { start, end } : 'unsatisfiable'
}
