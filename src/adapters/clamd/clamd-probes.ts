import { gzipSync } from 'node:zlib'

/**
 * The harmless file that every malware scanner finds (EICAR standard anti-virus test file). It stands here in two parts, or
 * scanners would find this file.
 */
export const EICAR = Buffer.from(
  ['X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD', 'ANTIVIRUS-TEST-FILE!$H+H*'].join('-'),
  'latin1',
)

const BLOCK_BYTES = 512
/** Two empty blocks end a tar. */
const TAR_END_BYTES = 2 * BLOCK_BYTES
const MEMBER_BYTES_MAX = 16 * 1024 * 1024
const CHUNK_BYTES = 256 * 1024

/** The smallest that `eicarTar` can make. */
export const EICAR_TAR_BYTES_MIN = 3 * BLOCK_BYTES + 2 * TAR_END_BYTES

/**
 * An uncompressed tar of exactly `sizeInBytes`, whose last member is a tar that has the EICAR file in it; the members before it
 * only make it long. It is made while it is read, so its size costs no memory.
 *
 * The inner tar is there because clamd cuts the member that reaches a limit short, at a multiple of 512 bytes, and goes on with
 * the next: the EICAR file alone would fit into what is left of the limit, and be found behind bytes that nobody looked at.
 */
export function* eicarTar(sizeInBytes: number): Generator<Uint8Array> {
  const padding = Buffer.alloc(CHUNK_BYTES)
  let left = sizeInBytes - EICAR_TAR_BYTES_MIN
  while (left >= 2 * BLOCK_BYTES) {
    const memberBytes = Math.min(MEMBER_BYTES_MAX, wholeBlocks(left - BLOCK_BYTES))
    yield tarHeader('padding', memberBytes)
    for (let start = 0; start < memberBytes; start += CHUNK_BYTES) {
      yield padding.subarray(0, Math.min(CHUNK_BYTES, memberBytes - start))
    }
    left -= BLOCK_BYTES + memberBytes
  }
  const inner = [tarHeader('eicar.com', EICAR.length), Buffer.concat([EICAR], BLOCK_BYTES), Buffer.alloc(TAR_END_BYTES)]
  yield tarHeader('inner.tar', 2 * BLOCK_BYTES + TAR_END_BYTES)
  yield* inner
  yield Buffer.alloc(TAR_END_BYTES + left)
}

function wholeBlocks(bytes: number): number {
  return bytes - (bytes % BLOCK_BYTES)
}

/** The header of a plain file (POSIX ustar). */
function tarHeader(name: string, sizeInBytes: number): Uint8Array {
  const header = Buffer.alloc(BLOCK_BYTES)
  const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, '0')}\0`
  header.write(name, 0)
  header.write(octal(0o644, 7), 100)
  header.write(octal(0, 7) + octal(0, 7), 108)
  header.write(octal(sizeInBytes, 11) + octal(0, 11), 124)
  // The checksum is summed up as if its own place were filled with blanks.
  header.write(' '.repeat(8), 148)
  header.write('0', 156)
  header.write('ustar\x0000', 257)
  header.write(
    octal(
      header.reduce((sum, byte) => sum + byte),
      6,
    ),
    148,
  )
  return header
}

/** The EICAR file, packed more often than a clamd unpacks: `MaxRecursion` is at most 100. */
export function deepArchive(): Uint8Array {
  let bytes: Uint8Array = EICAR
  for (let depth = 0; depth < 128; depth += 1) bytes = gzipSync(bytes, { level: 1 })
  return bytes
}

/** A zip whose only member is marked as encrypted; what it holds is not even good (APPNOTE.TXT 4.3.7, 4.3.12, 4.3.16, 4.4.4 bit 0). */
export function encryptedZip(): Uint8Array {
  const name = Buffer.from('encrypted')
  const content = Buffer.alloc(12 + 64, 'x')
  // From the version needed to the length of the extra field: the same in both headers.
  const facts = Buffer.alloc(26)
  facts.writeUInt16LE(20, 0)
  facts.writeUInt16LE(1, 2)
  facts.writeUInt32LE(content.length, 14)
  facts.writeUInt32LE(content.length - 12, 18)
  facts.writeUInt16LE(name.length, 22)
  const local = Buffer.concat([Buffer.from('PK\x03\x04'), facts, name, content])
  const central = Buffer.concat([Buffer.from('PK\x01\x02\x14\0'), facts, Buffer.alloc(14), name])
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06')
  end.writeUInt16LE(1, 8)
  end.writeUInt16LE(1, 10)
  end.writeUInt32LE(central.length, 12)
  end.writeUInt32LE(local.length, 16)
  return Buffer.concat([local, central, end])
}
