/** Numbers that a seed determines: the same seed gives the same ones, on every machine. */
export interface SeededRandom {
  /** From 0 to below 1. */
  fraction(): number
  /** A whole number from `min` to `max`, both included. */
  whole(min: number, max: number): number
  /** From `min` to `max`, small ones as often as large ones: each doubling has the same chance. */
  size(min: number, max: number): number
  /** Whether something happens that happens this often. */
  chance(probability: number): boolean
  pick<T>(things: readonly T[]): T | undefined
}

/** Starts the sequence of `seed`, or of one of many about different things under the same seed. */
export function seededRandom(seed: number, about = ''): SeededRandom {
  let state = seed >>> 0
  for (const letter of about) state = Math.imul(state ^ letter.charCodeAt(0), 0x01000193) >>> 0

  // Mulberry32, by Tommy Ettinger: small, and good enough to choose what to break.
  function fraction(): number {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    fraction,
    whole: (min, max) => min + Math.floor(fraction() * (max - min + 1)),
    size: (min, max) => Math.round(min * (max / min) ** fraction()),
    chance: (probability) => fraction() < probability,
    pick: (things) => things[Math.floor(fraction() * things.length)],
  }
}
