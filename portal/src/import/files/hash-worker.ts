// Runs beside the page, which stays quick while gigabytes are hashed.
import { createSHA256 } from 'hash-wasm'
import type { HashAnswer, HashQuestion } from './hasher.ts'

const SLICE_BYTES = 4 * 1024 * 1024

let last: Promise<void> = Promise.resolve()
const dropped = new Set<number>()

addEventListener('message', ({ data }: MessageEvent<HashQuestion>) => {
  if (data.blob === undefined) dropped.add(data.id)
  // One after another: two at once would be slower on a disk, and no faster on a processor.
  else last = last.then(() => hash(data.id, data.blob as Blob))
})

async function hash(id: number, blob: Blob): Promise<void> {
  const answer = (message: HashAnswer) => postMessage(message)
  try {
    const hasher = await createSHA256()
    for (let start = 0; start < blob.size; start += SLICE_BYTES) {
      if (dropped.has(id)) return
      const end = Math.min(start + SLICE_BYTES, blob.size)
      hasher.update(new Uint8Array(await blob.slice(start, end).arrayBuffer()))
      answer({ id, bytesDone: end })
    }
    answer({ id, sha256: btoa(String.fromCharCode(...hasher.digest('binary'))) })
  } catch {
    answer({ id, isUnreadable: true })
  } finally {
    dropped.delete(id)
  }
}
