import type { ServiceLimits } from '../../domain/service-limits.ts'

/** Which rate a route counts against. */
export type RateGroup = 'requests' | 'list-operations'

export interface RateLimiter {
  /** Takes one request. Answers undefined if it may pass, else the whole seconds after which it may be tried again. */
  take(instance: string, group: RateGroup): number | undefined
}

/**
 * Counts requests in memory, since a database write for each read would cost more than the read. Each instance and group has a
 * bucket that holds a minute's worth and fills evenly: a burst passes, a flood does not. With `nodes` that answer, each lets its part
 * of the rate through.
 */
export function createRateLimiter(
  rates: Pick<ServiceLimits, RateGroup>,
  { now = () => performance.now(), nodes = () => 1 }: { now?: () => number; nodes?: (() => number) | undefined } = {},
): RateLimiter {
  const buckets = new Map<string, { tokens: number; at: number }>()
  return {
    take(instance, group) {
      const rate = rates[group]
      if (rate === undefined) return undefined
      const perMinute = Math.max(1, rate / nodes())
      const perMs = perMinute / 60_000
      const key = `${group} ${instance}`
      const at = now()
      const bucket = buckets.get(key) ?? { tokens: perMinute, at }
      bucket.tokens = Math.min(perMinute, bucket.tokens + (at - bucket.at) * perMs)
      bucket.at = at
      // Keys are the names of existing instances, so the map stays as small as their number.
      buckets.set(key, bucket)
      if (bucket.tokens >= 1) {
        bucket.tokens -= 1
        return undefined
      }
      return Math.max(1, Math.ceil((1 - bucket.tokens) / perMs / 1000))
    },
  }
}
