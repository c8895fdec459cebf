import { createHash } from 'node:crypto'
import type { NotScanned, Verdict } from '../../src/domain/verdict.ts'
import type { Scanner } from '../../src/ports/scanner.ts'

/** A scanner of which a test decides what it knows and whether it works. The real one is in tests/support/clamd.ts. */
export interface MarkerScanner extends Scanner {
  /** What its signatures find, and under which name they are known. */
  markers: string[]
  version: string
  isAway: boolean
  /** Why it cannot scan files that contain `text`. */
  failure: { text: string; notScanned: NotScanned } | undefined
  /** SHA-256 in hex of everything that it came to an end with. */
  scanned: string[]
  /** Called in the middle of each scan. */
  meanwhile: () => Promise<unknown>
}

export function createMarkerScanner(): MarkerScanner {
  const scanner: MarkerScanner = {
    markers: [],
    version: 'Marker 1',
    isAway: false,
    failure: undefined,
    scanned: [],
    meanwhile: async () => {},
    async begin({ sizeInBytes }) {
      const { version } = scanner
      const chunks: Uint8Array[] = []
      return {
        notScanned: scanner.isAway ? away : undefined,
        async write(chunk) {
          chunks.push(Uint8Array.from(chunk))
        },
        async verdict(): Promise<Verdict> {
          await scanner.meanwhile()
          const bytes = Buffer.concat(chunks)
          if (scanner.isAway || bytes.byteLength !== sizeInBytes) return away
          scanner.scanned.push(createHash('sha256').update(bytes).digest('hex'))
          if (scanner.failure !== undefined && bytes.includes(scanner.failure.text)) return scanner.failure.notScanned
          const name = scanner.markers.find((marker) => bytes.includes(marker))
          return name === undefined
            ? { kind: 'Clean', signatures: version, caveats: [] }
            : { kind: 'Infected', signatures: version, name }
        },
        async [Symbol.asyncDispose]() {},
      }
    },
    signatures: async () => (scanner.isAway ? undefined : scanner.version),
    status: () => ({
      signatures: scanner.isAway ? undefined : scanner.version,
      provenBytes: Number.MAX_SAFE_INTEGER,
      isTesting: false,
      problems: scanner.isAway ? ['The scanner is away.'] : [],
      caveats: [],
    }),
    tested: async () => scanner.status(),
    async close() {},
  }
  return scanner
}

const away: NotScanned = { kind: 'NotScanned', reason: 'The scanner is away.', mayRecover: true }
