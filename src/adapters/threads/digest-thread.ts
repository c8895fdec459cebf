import { createHash, type Hash } from 'node:crypto'
import type { Block } from '../../ports/block.ts'
import { answerInGroups } from './answer-in-groups.ts'
import { stepBack } from './step-back.ts'

/** What the main thread asks for. `id` is the digest. */
export type DigestRequest =
  | { id: number; begin: readonly string[] }
  | { id: number; update: Block }
  | { id: number; end: true }

export interface DigestAnswer {
  /** Algorithm → base64, of a digest that ends. */
  result?: Readonly<Record<string, string>>
  /** The digest was begun in a thread that has died. */
  isUnknown?: true
}

const digests = new Map<number, Map<string, Hash>>()

stepBack()
answerInGroups<DigestRequest, DigestAnswer>({
  // One by one: whoever waits for a block needs it for what comes next.
  weigh: () => 1,
  weightMax: 1,
  answer: (group) => group.map(answerTo),
})

function answerTo(request: DigestRequest): DigestAnswer {
  const { id } = request
  if ('begin' in request) {
    digests.set(id, new Map(request.begin.map((algorithm) => [algorithm, createHash(algorithm)])))
    return {}
  }
  const hashes = digests.get(id)
  if (hashes === undefined) return { isUnknown: true }
  if ('update' in request) {
    for (const hash of hashes.values()) hash.update(request.update)
    return {}
  }
  digests.delete(id)
  return { result: Object.fromEntries([...hashes].map(([name, hash]) => [name, hash.digest('base64')])) }
}
