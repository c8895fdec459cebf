import type { Verdict } from '../../src/domain/verdict.ts'
import type { Scanner } from '../../src/ports/scanner.ts'

/** What the stand-in takes for malware. */
export const MALWARE = Buffer.from('this stands for malware')

export const SIGNATURES = 'Stand-in 1'

/** A scanner in this process, for tests in which only the calls matter: it finds `MALWARE` and nothing else. */
export function createScannerStandIn(): Scanner {
  const status = { signatures: SIGNATURES, provenBytes: 2 ** 31, isTesting: false, problems: [], caveats: [] }
  return {
    async begin({ sizeInBytes, signal }) {
      signal.throwIfAborted()
      const chunks: Uint8Array[] = []
      return {
        notScanned: undefined,
        async write(chunk) {
          signal.throwIfAborted()
          // The chunk may be used again.
          chunks.push(Buffer.from(chunk))
        },
        async verdict(): Promise<Verdict> {
          const bytes = Buffer.concat(chunks)
          if (bytes.length !== sizeInBytes) return { kind: 'NotScanned', reason: 'It is not whole.', mayRecover: false }
          return bytes.includes(MALWARE)
            ? { kind: 'Infected', name: 'Stand-in', signatures: SIGNATURES }
            : { kind: 'Clean', signatures: SIGNATURES, caveats: [] }
        },
        async [Symbol.asyncDispose]() {},
      }
    },
    async signatures() {
      return SIGNATURES
    },
    status: () => status,
    async tested() {
      return status
    },
    async close() {},
  }
}
