import { setTimeout as sleep } from 'node:timers/promises'
import type { NotScanned } from '../../domain/verdict.ts'
import type { Scanner, ScannerStatus } from '../../ports/scanner.ts'
import type { ClamdAddress } from './clamd-address.ts'
import { CLAMD_SCAN_BYTES_MAX, limitsAdvice } from './clamd-limits.ts'
import { type ClamdReply, readClamdReply } from './clamd-reply.ts'
import { scanNothing, scanStream } from './clamd-scan.ts'
import { createClamdSelfTest } from './clamd-self-test.ts'
import { openClamdStream } from './clamd-stream.ts'
import { CLAMD_TIMES, type ClamdTimes } from './clamd-times.ts'
import { notScanned, notScannedNow, verdictOn } from './clamd-verdict.ts'
import { watchClamd } from './clamd-watch.ts'
import { createSlots } from './slots.ts'
import { unlessAborted } from './unless-aborted.ts'

export interface ClamdOptions {
  address: ClamdAddress
  /** Up to which size clamd shall prove that it scans. What ClamAV can scan at most is enough. */
  scanMaxBytes?: number
  /** How many files are open in clamd at the same time; the test of its limits and the watch over it have one more each. */
  connectionsMax?: number
  /** Where they differ from `CLAMD_TIMES`. */
  times?: Partial<ClamdTimes>
  /** Hears of every change, for the log. */
  onStatus?: (status: ScannerStatus) => void
}

/** A file that is still coming keeps no thread of clamd busy, so a slow source needs not keep the others waiting. */
const CONNECTIONS_MAX = 16
const PROOF_POLL_MS = 20

/**
 * Scans with ClamAV's daemon. The bytes are sent by `INSTREAM` while they come; clamd keeps them in a temporary file and scans that
 * after the last one. Since clamd answers `OK` for what its limits kept it from scanning, and tells its limits to nobody, they are
 * measured in the background: a `Clean` is only believed for sizes at which malware was seen to be found in the same process.
 */
export function openClamdScanner(options: ClamdOptions): Scanner {
  const {
    address,
    scanMaxBytes = CLAMD_SCAN_BYTES_MAX,
    connectionsMax = CONNECTIONS_MAX,
    onStatus = () => {},
  } = options
  const times = { ...CLAMD_TIMES, ...options.times }
  const scanBytes = Math.min(scanMaxBytes, CLAMD_SCAN_BYTES_MAX)
  const slots = createSlots(connectionsMax)
  const closing = new AbortController()
  let session: number | undefined

  const selfTest = createClamdSelfTest({
    ask: (chunks, signal) => askClamd(chunks, { address, times, signal }),
    scanBytes,
    retestMs: times.retestMs,
    onChange: () => onStatus(status()),
  })

  const watch = watchClamd({
    address,
    times,
    onChange(presence) {
      if ('away' in presence) {
        session = undefined
        selfTest.stop()
        onStatus(status())
      } else {
        // New signatures in the same process leave its configuration as it was, so what is proven stays proven meanwhile.
        const isNew = presence.session !== session
        session = presence.session
        selfTest.start({ forget: isNew })
      }
    },
  })

  function status(): ScannerStatus {
    const { presence } = watch
    const { provenBytes, caveats } = selfTest.limits
    const isThere = presence !== undefined && 'version' in presence
    const problems = [
      ...(presence !== undefined && 'away' in presence ? [presence.away] : []),
      ...(selfTest.problem === undefined ? [] : [selfTest.problem]),
    ]
    if (problems.length === 0 && isThere && !selfTest.isRunning && provenBytes < scanBytes) {
      problems.push(`clamd was proven to scan files of up to ${provenBytes} bytes only. ${limitsAdvice(scanBytes)}`)
    }
    return {
      signatures: isThere ? presence.version : undefined,
      provenBytes,
      isTesting: selfTest.isRunning,
      problems,
      caveats,
    }
  }

  function refuseTooLarge(sizeInBytes: number): NotScanned | undefined {
    if (sizeInBytes <= scanBytes) return undefined
    const limit = scanBytes === CLAMD_SCAN_BYTES_MAX ? 'that ClamAV can scan at most' : 'that --scan-max allows'
    return notScanned(`The file has ${sizeInBytes} bytes, more than the ${scanBytes} ${limit}.`)
  }

  function refuseUnproven(sizeInBytes: number): NotScanned | undefined {
    const { provenBytes } = selfTest.limits
    if (sizeInBytes <= provenBytes) return undefined
    if (selfTest.problem !== undefined) return notScannedNow(selfTest.problem)
    const sentence = `The file has ${sizeInBytes} bytes, larger than the ${provenBytes} bytes that clamd was proven to scan`
    return selfTest.isRunning
      ? notScannedNow(`${sentence} so far; the test of its limits is still running.`)
      : notScanned(`${sentence}. ${limitsAdvice(scanBytes)}`)
  }

  /** Gives a test that has just begun the time to prove this size: after a start, small files need not be turned away. */
  async function untilProven(sizeInBytes: number, signal: AbortSignal): Promise<void> {
    const end = performance.now() + times.proofMs
    while (selfTest.isRunning && sizeInBytes > selfTest.limits.provenBytes && performance.now() < end) {
      await sleep(PROOF_POLL_MS)
      signal.throwIfAborted()
    }
  }

  return {
    async begin({ sizeInBytes, signal: callers }) {
      const signal = AbortSignal.any([callers, closing.signal])
      signal.throwIfAborted()
      const tooLarge = refuseTooLarge(sizeInBytes)
      if (tooLarge !== undefined) return scanNothing(tooLarge)
      const presence = await unlessAborted(watch.look(), signal)
      if ('away' in presence) return scanNothing(notScannedNow(presence.away))
      await untilProven(sizeInBytes, signal)
      const unproven = refuseUnproven(sizeInBytes)
      if (unproven !== undefined) return scanNothing(unproven)

      const giveBack = await slots.take(signal)
      try {
        const stream = await openClamdStream({ address, times, signal })
        return scanStream({
          stream,
          sizeInBytes,
          signal,
          judge(end) {
            const verdict = verdictOn(end, { signatures: presence.version, caveats: selfTest.limits.caveats })
            // What was proven holds only for the process that it was seen in.
            return verdict.kind === 'Clean' && session !== presence.session
              ? notScannedNow('clamd was restarted during the scan.')
              : verdict
          },
          release() {
            stream.destroy()
            giveBack()
          },
        })
      } catch (error) {
        giveBack()
        signal.throwIfAborted()
        return scanNothing(notScannedNow(error instanceof Error ? error.message : String(error)))
      }
    },
    async signatures() {
      // What was seen a few seconds ago may be what a reload has replaced since.
      const presence = await watch.look({ isAnew: true })
      return 'version' in presence ? presence.version : undefined
    },
    status,
    async tested() {
      await watch.look()
      await selfTest.idle()
      return status()
    },
    async close() {
      closing.abort(new Error('The scanner is closed.'))
      await watch.close()
      selfTest.stop()
    },
  }
}

/** Scans for the test of the limits, where it makes no difference why a stream was cut. */
async function askClamd(
  chunks: Iterable<Uint8Array>,
  { address, times, signal }: { address: ClamdAddress; times: ClamdTimes; signal: AbortSignal },
): Promise<ClamdReply> {
  const stream = await openClamdStream({ address, times, signal })
  try {
    for (const chunk of chunks) {
      if (stream.end !== undefined) break
      await stream.write(chunk)
    }
    const end = await stream.finish()
    if ('reply' in end) return readClamdReply(end.reply)
    if (end.isCut) return { kind: 'limit', text: end.lost }
    throw new Error(end.lost)
  } finally {
    stream.destroy()
  }
}
