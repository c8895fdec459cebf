/** To the worker: hash this; without `blob`, nobody wants it any more. */
export interface HashQuestion {
  id: number
  blob?: Blob
}

export type HashAnswer =
  | { id: number; bytesDone: number }
  | { id: number; sha256: string }
  | { id: number; isUnreadable: true }

export interface HashOptions {
  onProgress?: (bytesDone: number) => void
  signal?: AbortSignal
}

/** SHA-256 of what the visitor has, slice by slice, in a thread of its own. */
export interface Hasher {
  /** The digest in standard base64. Rejects where the browser cannot read the bytes; never settles once `signal` aborts. */
  hash(blob: Blob, options?: HashOptions): Promise<string>
  close(): void
}

interface Waiting {
  resolve: (sha256: string) => void
  reject: (error: Error) => void
  onProgress: ((bytesDone: number) => void) | undefined
}

export function createHasher(): Hasher {
  const worker = new Worker(new URL('./hash-worker.ts', import.meta.url), { type: 'module' })
  const waiting = new Map<number, Waiting>()
  let count = 0
  const failed = () => new Error('The browser cannot read the file. Was it moved, or changed, since it was chosen?')

  worker.addEventListener('message', ({ data }: MessageEvent<HashAnswer>) => {
    const asked = waiting.get(data.id)
    if (asked === undefined) return
    if ('bytesDone' in data) asked.onProgress?.(data.bytesDone)
    else {
      waiting.delete(data.id)
      if ('sha256' in data) asked.resolve(data.sha256)
      else asked.reject(failed())
    }
  })
  worker.addEventListener('error', () => {
    for (const { reject } of waiting.values()) reject(new Error('The browser cannot hash files here.'))
    waiting.clear()
  })

  return {
    hash(blob, { onProgress, signal } = {}) {
      count += 1
      const id = count
      const ask = (question: HashQuestion) => worker.postMessage(question)
      signal?.addEventListener('abort', () => {
        if (waiting.delete(id)) ask({ id })
      })
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject, onProgress })
        ask({ id, blob })
      })
    },
    close: () => worker.terminate(),
  }
}
