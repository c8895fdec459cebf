import type { ServerResponse } from 'node:http'
import { drained } from './drained.ts'
import type { Behaviour } from './misbehaving-source.ts'

const PIECE_MS = 10

/**
 * The same answer, but its body takes this long, however long it is: a piece every 10 ms. `onSent` learns when the last piece was given
 * to the connection.
 */
export function paced(behave: Behaviour, { bodyMs, onSent }: { bodyMs: number; onSent?: () => void }): Behaviour {
  return (request, response) => {
    const end = response.end.bind(response)
    // A copy of the response that paces what it is ended with. Behaviours end with their whole body at once.
    response.end = ((body?: Uint8Array) => {
      if (!(body instanceof Uint8Array)) return end(body)
      void sendPieces(response, body, bodyMs).then((isWhole) => {
        if (isWhole) onSent?.()
        end()
      })
      return response
    }) as typeof response.end
    behave(request, response)
  }
}

async function sendPieces(response: ServerResponse, body: Uint8Array, bodyMs: number): Promise<boolean> {
  const pieces = Math.max(1, Math.round(bodyMs / PIECE_MS))
  const pieceBytes = Math.ceil(body.length / pieces)
  for (let at = 0; at < body.length; at += pieceBytes) {
    if (response.destroyed) return false
    const isTaken = response.write(body.subarray(at, at + pieceBytes))
    await Promise.all([
      new Promise((resolve) => setTimeout(resolve, pieces > 1 ? PIECE_MS : 0)),
      isTaken || drained(response),
    ])
  }
  return !response.destroyed
}
