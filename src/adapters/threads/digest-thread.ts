import { createHash, type Hash } from 'node:crypto'
import { parentPort } from 'node:worker_threads'
import type { Block } from '../../ports/digest.ts'

/** What the main thread asks for. `id` is the digest. */
export type DigestRequest =
  | { id: number; begin: readonly string[] }
  | { id: number; update: Block }
  | { id: number; end: true }

/** The answer to `update`, and to `end`: then with the hashes. */
export interface DigestAnswer {
  id: number
  result?: Readonly<Record<string, string>>
}

const digests = new Map<number, Map<string, Hash>>()

parentPort?.on('message', (request: DigestRequest) => {
  const { id } = request
  if ('begin' in request) {
    digests.set(id, new Map(request.begin.map((algorithm) => [algorithm, createHash(algorithm)])))
    return
  }
  const hashes = digests.get(id)
  if (hashes === undefined) return
  if ('update' in request) {
    for (const hash of hashes.values()) hash.update(request.update)
    answer({ id })
    return
  }
  digests.delete(id)
  answer({ id, result: Object.fromEntries([...hashes].map(([name, hash]) => [name, hash.digest('base64')])) })
})

function answer(message: DigestAnswer): void {
  parentPort?.postMessage(message)
}
