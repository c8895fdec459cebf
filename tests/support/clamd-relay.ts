import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** What the relay does to a file on its way, where a real clamd cannot be made to do it. */
export type RelayFault = { closeAfterBytes: number } | { replyAtOnce: string } | { replaceReply: string }

/** Stands before a real clamd. Version and faults hold for what comes after they are set. */
export interface ClamdRelay extends AsyncDisposable {
  url: string
  /** What it answers to `VERSION`: a clamd with home-made signatures alone never tells a version of them. */
  version: string
  fault: RelayFault | undefined
  /** How many files were passed on so far. */
  streams(): number
  /** Ends the sessions, as a restart of clamd would, but not the files that are on their way. */
  endSessions(): void
}

export async function startClamdRelay({ socketUrl }: { socketUrl: string }): Promise<ClamdRelay> {
  const path = socketUrl.replace('clamd://', '')
  const sockets = new Set<Socket>()
  const sessions = new Set<Socket>()
  let streams = 0

  const server = createServer((client) => {
    track(client)
    let versions = 0
    client.once('data', (first: Buffer) => {
      if (first.toString('latin1').startsWith('zIDSESSION\0')) {
        sessions.add(client)
        const answer = (text: string) => {
          for (let left = text.split('zVERSION\0').length - 1; left > 0; left -= 1) {
            versions += 1
            client.write(`${versions}: ${relay.version}\0`)
          }
        }
        client.on('data', (data) => answer(data.toString('latin1')))
        answer(first.toString('latin1'))
      } else {
        streams += 1
        passOn(client, first)
      }
    })
  })

  function track(socket: Socket): void {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
  }

  function passOn(client: Socket, first: Buffer): void {
    const { fault } = relay
    if (fault !== undefined && 'replyAtOnce' in fault) client.write(fault.replyAtOnce)
    const clamd = connect({ path })
    track(clamd)
    let bytes = 0
    const pass = (data: Buffer) => {
      bytes += data.length
      if (fault !== undefined && 'closeAfterBytes' in fault && bytes > fault.closeAfterBytes) client.destroy()
      else clamd.write(data)
    }
    pass(first)
    client.on('data', pass)
    client.on('close', () => clamd.destroy())
    clamd.on('data', (reply) => {
      client.end(fault !== undefined && 'replaceReply' in fault ? fault.replaceReply : reply)
    })
    clamd.on('close', () => client.end())
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const relay: ClamdRelay = {
    url: `clamd://127.0.0.1:${(server.address() as AddressInfo).port}`,
    version: 'ClamAV 1.4.6/27500/Mon Nov 16 09:25:01 2026',
    fault: undefined,
    streams: () => streams,
    endSessions() {
      for (const session of sessions) session.destroy()
    },
    async [Symbol.asyncDispose]() {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
  return relay
}
