import type { NotScanned, Verdict } from '../../domain/verdict.ts'
import type { Scan } from '../../ports/scanner.ts'
import type { ClamdStream, StreamEnd } from './clamd-stream.ts'
import { notScanned, notScannedNow } from './clamd-verdict.ts'

/** The scan of a file that is not sent to clamd at all, for the reason given. */
export function scanNothing(verdict: NotScanned): Scan {
  return {
    notScanned: verdict,
    async write() {},
    async verdict() {
      return verdict
    },
    async [Symbol.asyncDispose]() {},
  }
}

/** The scan of a file that is sent to clamd. `release` is called, more than once, when the stream is needed no more. */
export function scanStream({
  stream,
  sizeInBytes,
  signal,
  judge,
  release,
}: {
  stream: ClamdStream
  sizeInBytes: number
  signal: AbortSignal
  /** What the end of the stream means after all bytes were sent. */
  judge: (end: StreamEnd) => Verdict
  release: () => void
}): Scan {
  let written = 0
  let given: Verdict | undefined

  function whyNot(): NotScanned | undefined {
    if (given !== undefined) return given.kind === 'NotScanned' ? given : undefined
    if (written > sizeInBytes) return notScanned(`The file has more than the ${sizeInBytes} bytes that were announced.`)
    if (stream.end === undefined) return undefined
    const verdict = judge(stream.end)
    return verdict.kind === 'NotScanned'
      ? verdict
      : notScannedNow('clamd answered before it had all bytes of the file.')
  }

  async function end(): Promise<Verdict> {
    signal.throwIfAborted()
    const reason = whyNot()
    if (reason !== undefined) return reason
    if (written < sizeInBytes) return notScanned(`Only ${written} of the ${sizeInBytes} bytes of the file came.`)
    return judge(await stream.finish())
  }

  return {
    get notScanned() {
      return whyNot()
    },
    async write(chunk) {
      written += chunk.byteLength
      await stream.write(chunk)
    },
    async verdict() {
      given ??= await end()
      release()
      return given
    },
    async [Symbol.asyncDispose]() {
      release()
    },
  }
}
