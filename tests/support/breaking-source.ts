import type { ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import type { Behaviour } from './misbehaving-source.ts'

/**
 * The same answers, but one after another they end as `ends` says, and as they should when there is nothing more in it: a number breaks
 * the connection after so many bytes of the body, `stall` after a number of bytes goes silent and leaves it open.
 */
export function breaking(behave: Behaviour, ends: Iterable<number | { stallAfter: number } | 'well'>): Behaviour {
  const left = [...ends]
  return (request, response) => {
    const way = left.shift() ?? 'well'
    if (way !== 'well') breakBody(response, way)
    behave(request, response)
  }
}

/** Behaves in one way at the first request, in another at the second …, and in the last way from then on. */
export function inTurn(...behaviours: readonly Behaviour[]): Behaviour {
  let requests = 0
  return (request, response) => {
    const behave = behaviours[Math.min(requests, behaviours.length - 1)]
    requests += 1
    behave?.(request, response)
  }
}

function breakBody(response: ServerResponse, way: number | { stallAfter: number }): void {
  const end = response.end.bind(response)
  // Behaviours end with their whole body at once.
  response.end = ((body?: Uint8Array) => {
    if (!(body instanceof Uint8Array)) return end(body)
    const part = body.subarray(0, typeof way === 'number' ? way : way.stallAfter)
    response.write(part, async () => {
      if (typeof way !== 'number') return
      // Given to the kernel is not yet sent: a connection that is broken at once may lose it.
      await delay(5)
      response.socket?.destroy()
    })
    return response
  }) as typeof response.end
}
