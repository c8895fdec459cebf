import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { connect } from 'node:net'

/** Large enough that neither side waits for the other, as `clamdscan --stream` sends them. */
const CHUNK_BYTES = 128 * 1024

/** Lets clamd scan a file by `INSTREAM` over its Unix socket, and nothing else. Throws unless it finds nothing. */
export async function scanAlone(socketUrl: string, path: string): Promise<void> {
  const socket = connect({ path: socketUrl.replace('clamd://', '') })
  const replied = once(socket.setEncoding('latin1'), 'data')
  socket.write('zINSTREAM\0')
  for await (const chunk of createReadStream(path, { highWaterMark: CHUNK_BYTES })) {
    socket.cork()
    socket.write(lengthOf(chunk))
    const hasRoom = socket.write(chunk)
    socket.uncork()
    if (!hasRoom) await once(socket, 'drain')
  }
  socket.write(lengthOf(Buffer.alloc(0)))
  const [reply] = await replied
  socket.destroy()
  if (reply !== 'stream: OK\0') throw new Error(`clamd answers ${reply}`)
}

function lengthOf({ length }: Buffer): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(length)
  return bytes
}
