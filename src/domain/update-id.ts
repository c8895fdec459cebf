/** The identity of an update. `version` is normalised: no leading zeros. */
export interface UpdateId {
  provider: string
  name: string
  version: string
}

const PART_MAX = 2_147_483_647

/**
 * Drops leading zeros: `01.0` is `1.0` (import schema 4.0, updateId.version). Undefined where the text is not two to four
 * numbers of at most 2147483647, divided by dots.
 */
export function normaliseVersion(text: string): string | undefined {
  const parts = text.split('.')
  if (parts.length < 2 || parts.length > 4) return undefined
  const numbers: number[] = []
  for (const part of parts) {
    if (!/^[0-9]{1,64}$/.test(part)) return undefined
    const number = Number(part)
    if (number > PART_MAX) return undefined
    numbers.push(number)
  }
  return numbers.join('.')
}

/**
 * A text whose ordinary order is that of versions, newest first. A missing part counts as older than 0, so `1.0.0` is newer
 * than `1.0`, as in the .NET `Version` type that the original service uses.
 */
export function versionOrder(version: string): string {
  const parts = version.split('.')
  return [0, 1, 2, 3]
    .map((i) => (parts[i] === undefined ? PART_MAX + 1 : PART_MAX - Number(parts[i])))
    .map((rank) => String(rank).padStart(10, '0'))
    .join('')
}

/** What identities are found and kept unique by: letter case makes no difference. */
export function identityKey(text: string): string {
  return text.toLowerCase()
}

/** Whether both name the same update. */
export function sameUpdate(a: UpdateId, b: UpdateId): boolean {
  return formatUpdateId(a).toLowerCase() === formatUpdateId(b).toLowerCase()
}

/** For people: `Contoso/Toaster/1.0`. */
export function formatUpdateId({ provider, name, version }: UpdateId): string {
  return `${provider}/${name}/${version}`
}
