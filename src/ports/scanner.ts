import type { NotScanned, Verdict } from '../domain/verdict.ts'

/** Looks for malware in files while they are copied. It has the shape of `BlobStore`: begin, write, ask, dispose. */
export interface Scanner {
  /**
   * Starts the scan of a file whose size is known beforehand. Waits while too many scans are open, so it is called before the
   * source is opened. A scanner that is away or cannot vouch for this size makes no error but a scan that says so in `notScanned`.
   * `signal` covers the whole scan: when it aborts, everything that waits rejects with its reason.
   */
  begin(file: { sizeInBytes: number; signal: AbortSignal }): Promise<Scan>
  /** The scanner and its signatures in force, asked for anew, to compare with those of a verdict; undefined while it is away. */
  signatures(): Promise<string | undefined>
  /** What is known about it just now. */
  status(): ScannerStatus
  /** The status once the scanner has answered or failed to, and no test of its limits is running. */
  tested(): Promise<ScannerStatus>
  /** Ends every connection and test. Whatever still waits rejects. */
  close(): Promise<void>
}

export interface Scan {
  /** Set as soon as it is certain that the file will not be scanned: whoever needs a verdict can save the rest of the copying. */
  readonly notScanned: NotScanned | undefined
  /**
   * Takes the next bytes; resolves when the scanner can take more. The chunk may be reused once the promise has resolved.
   * A scanner that fails is no error here; the verdict says so.
   */
  write(chunk: Uint8Array): Promise<void>
  /**
   * Ends the file and answers what was found: never `Clean` unless exactly the announced number of bytes was written.
   */
  verdict(): Promise<Verdict>
  /** Frees what the scan holds, whether or not a verdict was asked for. */
  [Symbol.asyncDispose](): Promise<void>
}

export interface ScannerStatus {
  /** The scanner and its signatures in force; undefined while it is away. */
  signatures: string | undefined
  /** Files up to this size are scanned; malware at the end of one was seen to be found. */
  provenBytes: number
  /** The limits are being measured: `provenBytes` may still grow. */
  isTesting: boolean
  /** Full sentences about what is wrong and what would help. Empty where all is well. */
  problems: readonly string[]
  /** Full sentences about what a `Clean` of this scanner leaves open. */
  caveats: readonly string[]
}
