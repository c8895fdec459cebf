import type { BlobStore, BlobWriter } from '../../ports/blob-store.ts'
import type { Metrics } from '../../ports/metrics.ts'
import type { Scanner } from '../../ports/scanner.ts'

/** The same store; what is written to it is counted. */
export function measuredBlobs(blobs: BlobStore, metrics: Metrics): BlobStore {
  function measure<Writer extends BlobWriter>(writer: Writer, sizeInBytes: number): Writer {
    const { write, commit } = writer
    return Object.assign(writer, {
      async write(chunk: Uint8Array) {
        const bytes = chunk.byteLength
        const begin = performance.now()
        await write.call(writer, chunk)
        metrics.storeWritten({ bytes, seconds: (performance.now() - begin) / 1000 })
      },
      async commit() {
        const begin = performance.now()
        await commit.call(writer)
        metrics.storeWritten({ bytes: 0, seconds: (performance.now() - begin) / 1000 })
        metrics.blobStored(sizeInBytes)
      },
    })
  }
  return {
    ...blobs,
    create: async (blob) => measure(await blobs.create(blob), blob.sizeInBytes),
    async resume(blob) {
      const writer = await blobs.resume(blob)
      return writer && measure(writer, blob.sizeInBytes)
    },
  }
}

/** The same scanner; its verdicts are counted. */
export function measuredScanner(scanner: Scanner, metrics: Metrics): Scanner {
  return {
    ...scanner,
    async begin(file) {
      const scan = await scanner.begin(file)
      const begin = performance.now()
      const { verdict } = scan
      // Assigned to the very object: what it says of itself later, such as `notScanned`, may be a getter.
      scan.verdict = async () => {
        const found = await verdict.call(scan)
        metrics.scanEnded({ verdict: found.kind, seconds: (performance.now() - begin) / 1000 })
        return found
      }
      return scan
    },
  }
}
