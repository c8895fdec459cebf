/** Values that several settings have in common. Each function throws an `Error` with a sentence. */

import { INSTANCE_NAME } from '../domain/instance-name.ts'
import type { HostPort } from '../http/admission/listeners.ts'

export const parseText = (text: string) => text

export function parseHostPort(text: string): HostPort {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:\s]+)):(\d{1,5})$/i.exec(text)
  const port = Number(match?.[3])
  const host = match?.[1] ?? match?.[2]
  if (host === undefined || port > 65535)
    throw new Error(`${text} is not HOST:PORT, such as 127.0.0.1:8480 or [::1]:8480.`)
  return { host, port }
}

export function parseInstance(text: string): string {
  if (!INSTANCE_NAME.test(text)) {
    throw new Error(`${text} is not an instance name: 3 to 36 lower-case letters, digits and dashes.`)
  }
  return text
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Milliseconds of `500ms`, `30s`, `10m`, `24h` or `7d`. */
export function parseDuration(text: string): number {
  const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text)
  const unit = UNITS[match?.[2] ?? '']
  if (match === null || unit === undefined) throw new Error(`${text} is not a duration, such as 30s, 10m, 24h or 7d.`)
  return Number(match[1]) * unit
}

/** A duration that a timer can wait for: Node's end at 24.8 days, and longer ones would be none at all. */
export function parseTimer(text: string): number {
  const ms = parseDuration(text)
  if (ms > 2_147_483_647) throw new Error(`${text} is too long; at most 24d.`)
  return ms
}

const SIZES: Readonly<Record<string, number>> = { KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3, TiB: 1024 ** 4 }

/** Bytes of `500MiB`, `32GiB` or `1TiB`; up to 9999 of a unit, so that the number is exact. */
export function parseSize(text: string): number {
  const [, count, unit = ''] = /^([1-9]\d{0,3})(KiB|MiB|GiB|TiB)$/.exec(text) ?? []
  if (count === undefined) throw new Error(`${text} is not a size, such as 500MiB, 32GiB or 1TiB.`)
  return Number(count) * (SIZES[unit] ?? 0)
}

export function parseSwitch(text: string): boolean {
  if (text !== 'on' && text !== 'off') throw new Error(`${text} is neither on nor off.`)
  return text === 'on'
}
