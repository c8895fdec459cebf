/** Bodies of documents that never change under their ETag, so that each is rendered once: the least recently used go first. */
export interface RenderedBodies {
  find(key: string): string | undefined
  /** Keeps a body, if it is not too large, and answers it. */
  keep(key: string, body: string): string
}

/** Large documents are rare, and not worth the room of a thousand others. */
const SHARE_MAX = 1 / 16

/** Keeps bodies of `charactersMax` characters in all. */
export function createRenderedBodies(charactersMax = 8 * 1024 * 1024): RenderedBodies {
  // A Map keeps the order in which keys were set.
  const bodies = new Map<string, string>()
  let characters = 0

  return {
    find(key) {
      const kept = bodies.get(key)
      if (kept !== undefined) {
        bodies.delete(key)
        bodies.set(key, kept)
      }
      return kept
    },

    keep(key, body) {
      if (body.length > charactersMax * SHARE_MAX || bodies.has(key)) return body
      bodies.set(key, body)
      characters += body.length
      for (const [oldest, { length }] of bodies) {
        if (characters <= charactersMax) break
        bodies.delete(oldest)
        characters -= length
      }
      return body
    },
  }
}
