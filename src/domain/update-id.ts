/** The identity of an update. `version` is normalised: no leading zeros. */
export interface UpdateId {
  provider: string
  name: string
  version: string
}

const PART_MAX = 2_147_483_647

const VERSION = /^[0-9]{1,64}(\.[0-9]{1,64}){1,3}$/

/**
 * Drops leading zeros: `01.0` is `1.0` (import schema 4.0, updateId.version). Undefined where the text is not two to four
 * numbers of at most 2147483647, divided by dots.
 */
export function normaliseVersion(text: string): string | undefined {
  return numbersOf(text)?.join('.')
}

/**
 * A text whose ordinary order is that of versions, newest first. A missing part counts as older than 0, so `1.0.0` is newer
 * than `1.0`, as in the .NET `Version` type that the original service uses.
 */
export function versionOrder(version: string): string {
  return orderOf(version.split('.').map(Number))
}

/** What versions are found by: `versionOrder`, with leading zeros or without. Undefined where `normaliseVersion` is. */
export function versionKey(text: string): string | undefined {
  const numbers = numbersOf(text)
  return numbers && orderOf(numbers)
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

function numbersOf(text: string): number[] | undefined {
  if (!VERSION.test(text)) return undefined
  const numbers: number[] = []
  for (const part of text.split('.')) {
    const number = Number(part)
    if (number > PART_MAX) return undefined
    numbers.push(number)
  }
  return numbers
}

function orderOf(numbers: readonly number[]): string {
  let order = ''
  for (let i = 0; i < 4; i += 1) order += String(PART_MAX - (numbers[i] ?? -1)).padStart(10, '0')
  return order
}
