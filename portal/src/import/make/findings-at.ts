import type { Place } from '../../../../src/domain/authoring/place-of.ts'

/** A sentence about a choice. */
export interface Finding {
  message: string
  place: Place
}

/** What is said about a choice, or also about what is inside of it; undefined where nothing is. */
export function findingsAt(
  findings: readonly Finding[],
  place: Place,
  { alsoInside = false }: { alsoInside?: boolean } = {},
): string | undefined {
  const told = findings.filter(
    (finding) =>
      place.every((part, i) => finding.place[i] === part) && (alsoInside || finding.place.length === place.length),
  )
  return told.length === 0 ? undefined : told.map(({ message }) => message).join(' ')
}
