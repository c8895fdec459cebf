/** The candidate that `name` is probably a slip of, without regard to letter case; undefined where none is close. */
export function nearestName(name: string, candidates: readonly string[]): string | undefined {
  let nearest: string | undefined
  let nearestSlips = 3
  for (const candidate of candidates) {
    // Comparing long texts costs time, and no slip makes a name that much longer.
    if (Math.abs(candidate.length - name.length) >= nearestSlips) continue
    const slips = slipsBetween(name.toLowerCase(), candidate.toLowerCase())
    // In a short name, two slips leave nothing to recognise.
    if (slips < nearestSlips && slips * 3 <= candidate.length) {
      nearest = candidate
      nearestSlips = slips
    }
  }
  return nearest
}

/** Letters to insert, drop or change to make one text of the other (Levenshtein distance). */
function slipsBetween(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row]
    for (let column = 1; column <= b.length; column += 1) {
      const change = above[column - 1]! + (a[row - 1] === b[column - 1] ? 0 : 1)
      current.push(Math.min(change, above[column]! + 1, current[column - 1]! + 1))
    }
    above = current
  }
  return above[b.length]!
}
