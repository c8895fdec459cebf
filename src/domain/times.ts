/** A point in time on the wire: ISO 8601 in UTC with seven fraction digits (recorded traffic, 2021). */
export function wireTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '0000Z')
}
