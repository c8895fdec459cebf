import { createHash } from 'node:crypto'
import type { Digest } from '../../ports/digest.ts'

/** Hashes in the thread that asks: for what is too small to be worth a journey. */
export function digestHere(algorithms: readonly string[]): Digest {
  const hashes = algorithms.map((algorithm) => ({ algorithm, hash: createHash(algorithm) }))
  return {
    async update(block) {
      for (const { hash } of hashes) hash.update(block)
    },
    async result() {
      return Object.fromEntries(hashes.map(({ algorithm, hash }) => [algorithm, hash.digest('base64')]))
    },
    [Symbol.dispose]() {},
  }
}
