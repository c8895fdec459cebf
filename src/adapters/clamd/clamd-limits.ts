import { deepArchive, EICAR, EICAR_TAR_BYTES_MIN, eicarTar, encryptedZip } from './clamd-probes.ts'
import type { ClamdReply } from './clamd-reply.ts'

const MiB = 1024 * 1024

/**
 * ClamAV scans no file above this size whatever its configuration says ("scanning files greater than 2147483647 bytes is not
 * supported", with a limit of two bytes less): three bytes fewer than an import manifest allows.
 */
export const CLAMD_SCAN_BYTES_MAX = 2_147_483_645

/** What clamd was seen to do. */
export interface ClamdLimits {
  /** The size of the largest file in which the EICAR file was found at the end. */
  provenBytes: number
  /** Full sentences about what clamd keeps silent about. */
  caveats: readonly string[]
}

/** Large enough for most files, and tested in a second; so they need not wait for the end of the test. */
const SIZES_FIRST: readonly number[] = [MiB, 64 * MiB]
/** The search for the largest size ends when it is known to this factor. */
const PRECISION = 1.1

/** What an operator can do about a clamd that scans less than was asked for. */
export function limitsAdvice(scanBytes: number): string {
  return (
    `To have files of up to ${scanBytes} bytes scanned, raise StreamMaxLength and MaxFileSize to that and MaxScanSize to twice ` +
    'that in clamd.conf, and leave ScanArchive on.'
  )
}

/**
 * Measures what clamd tells nobody, by sending it what it must find. `ask` scans some bytes; `onProgress` hears of every size
 * that is proven on the way. Throws an `Error` whose message is a sentence when clamd is not fit to scan anything, or cannot just now.
 */
export async function measureClamdLimits({
  ask,
  scanBytes,
  onProgress,
}: {
  ask: (chunks: Iterable<Uint8Array>) => Promise<ClamdReply>
  scanBytes: number
  onProgress: (limits: ClamdLimits) => void
}): Promise<ClamdLimits> {
  async function reply(chunks: Iterable<Uint8Array>): Promise<ClamdReply['kind']> {
    const answer = await ask(chunks)
    if (answer.kind === 'error') throw new Error(`The test of clamd failed: it says "${answer.text}".`)
    return answer.kind
  }
  const caveats: string[] = []
  let provenBytes = 0
  async function proves(sizeInBytes: number, chunks: Iterable<Uint8Array>): Promise<boolean> {
    if ((await reply(chunks)) !== 'found') return false
    provenBytes = sizeInBytes
    onProgress({ provenBytes, caveats })
    return true
  }

  if (!(await proves(EICAR.length, [EICAR]))) {
    throw new Error('clamd does not find the EICAR test file. Its signatures are missing or broken; see freshclam.')
  }

  if ((await reply([deepArchive()])) === 'ok') {
    caveats.push('clamd does not say when a limit keeps it from looking at all of an archive; set AlertExceedsMax.')
  }
  if ((await reply([encryptedZip()])) === 'ok') {
    caveats.push('clamd does not say when it cannot look into something encrypted; set AlertEncrypted.')
  }

  const provesTar = (sizeInBytes: number) => proves(sizeInBytes, eicarTar(sizeInBytes))
  for (const sizeInBytes of [...SIZES_FIRST.filter((size) => size < scanBytes), scanBytes]) {
    if (await provesTar(sizeInBytes)) continue
    let failedBytes = sizeInBytes
    while (failedBytes > Math.max(provenBytes * PRECISION, EICAR_TAR_BYTES_MIN)) {
      const between = Math.max(Math.floor(Math.sqrt(provenBytes * failedBytes)), EICAR_TAR_BYTES_MIN)
      if (!(await provesTar(between))) failedBytes = between
    }
    break
  }
  return { provenBytes, caveats }
}
