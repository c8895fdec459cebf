/** One file of a `.swu`: `sw-description`, an image, or the signature `sw-description.sig`. */
export interface SwuEntry {
  name: string
  bytes: Uint8Array
}

const REGULAR_FILE = 0o100644
const BLOCK_BYTES = 512

/**
 * A `.swu`, the package that SWUpdate installs: a cpio archive in the `crc` form (magic 070702). Owner, inode and time are
 * fixed, so the same entries always give the same bytes: those of `cpio -o -H crc --reproducible` for files of root with
 * mode 644 and time 0. Throws if `sw-description` is not the first entry, because SWUpdate reads the archive as a stream
 * and must know what to do before the images come.
 */
export function makeSwu(entries: readonly SwuEntry[]): Buffer {
  if (entries[0]?.name !== 'sw-description') throw new Error('the first entry of a .swu must be sw-description')
  const records = entries.map(({ name, bytes }, index) => record({ name, bytes, inode: index, mode: REGULAR_FILE }))
  const trailer = record({ name: 'TRAILER!!!', bytes: Buffer.alloc(0), inode: 0, mode: 0 })
  return padded(Buffer.concat([...records, trailer]), BLOCK_BYTES)
}

function record({ name, bytes, inode, mode }: SwuEntry & { inode: number; mode: number }): Buffer {
  // In the order of the format: thirteen numbers of eight hex digits.
  const header: Record<string, number> = {
    inode,
    mode,
    user: 0,
    group: 0,
    links: 1,
    modifiedAt: 0,
    sizeInBytes: bytes.length,
    deviceMajor: 0,
    deviceMinor: 0,
    specialMajor: 0,
    specialMinor: 0,
    nameBytes: Buffer.byteLength(name) + 1,
    checksum: bytes.reduce((sum, byte) => (sum + byte) >>> 0, 0),
  }
  const digits = Object.values(header).map((value) => value.toString(16).toUpperCase().padStart(8, '0'))
  return Buffer.concat([padded(Buffer.from(`070702${digits.join('')}${name}\0`), 4), padded(bytes, 4)])
}

/** The bytes, and zeros up to a multiple of `unit`. */
function padded(bytes: Uint8Array, unit: number): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((unit - (bytes.length % unit)) % unit)])
}
