import { Readable } from 'node:stream'

/**
 * So much is given to a connection at once. Node does not see progress inside one write over TLS, so a whole part on a slow line would
 * look like a connection on which nothing moves.
 */
const SLICE_BYTES = 64 * 1024

/**
 * Gives a request its body, without a copy, and takes it away when the request has ended: an attempt that failed must not go on sending
 * from memory that is used again.
 */
export async function sendBody<T>(bytes: Uint8Array, send: (body: Readable) => Promise<T>): Promise<T> {
  const body = bodyOf(bytes)
  try {
    return await send(body)
  } finally {
    body.destroy()
  }
}

function bodyOf({ buffer, byteOffset, length }: Uint8Array): Readable {
  let position = 0
  return new Readable({
    highWaterMark: SLICE_BYTES,
    read() {
      const sliceBytes = Math.min(SLICE_BYTES, length - position)
      this.push(sliceBytes === 0 ? null : Buffer.from(buffer, byteOffset + position, sliceBytes))
      position += sliceBytes
    },
  })
}
