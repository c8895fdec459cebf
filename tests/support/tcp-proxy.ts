import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { drained } from './drained.ts'

/** Stands between a client and a server, and breaks their connections. */
export interface TcpProxy extends AsyncDisposable {
  port: number
  /** Whether new connections are reset. */
  isRefusing: boolean
  /** Whether new connections are taken, and nothing gets through on them. */
  isSilent: boolean
  /** Before each piece of an answer is handed on. */
  delayMs: number
  /** Once clients got this many bytes of answers, no more is handed on until it is set higher. */
  answersUpTo: number
  /**
   * Is asked about what a client sends, together with what it sends right after that. What it says yes to stays here, with all that
   * follows on that connection, until `letGo`.
   */
  holdsBack: ((sent: Buffer) => boolean) | undefined
  /** Resolves when something is held back. */
  held(): Promise<void>
  letGo(): void
  /** How many bytes of answers were handed to clients, heads included. */
  bytesToClients(): number
  /** How many bytes of requests were handed to the server. */
  bytesToServer(): number
  connectionsMade(): number
  /**
   * From now on nothing gets through on the connections that are open, in either direction, and nobody is told: a firewall has forgotten
   * them, or the other end has lost its power.
   */
  silence(): void
  /** Breaks every connection with a reset. */
  reset(): void
  /** Ends every connection as if the server had ended it. */
  drop(): void
}

/** What is sent in one go comes within this time. */
const ONE_GO_MS = 20
const HOLD_POLL_MS = 5

interface Pair {
  client: Socket
  server: Socket
  isSilent: boolean
}

/** Starts one on a free loopback port, before a server on another one. */
export async function startTcpProxy({ targetPort }: { targetPort: number }): Promise<TcpProxy> {
  const pairs = new Set<Pair>()
  let bytesToClients = 0
  let bytesToServer = 0
  let connectionsMade = 0
  const { promise: isHeld, resolve: tellHeld } = Promise.withResolvers<void>()
  const { promise: isLetGo, resolve: letGo } = Promise.withResolvers<void>()

  const listener = createServer({ noDelay: true }, (client) => {
    connectionsMade += 1
    client.on('error', () => {})
    if (proxy.isRefusing) {
      client.resetAndDestroy()
      return
    }
    const server = connect({ port: targetPort, host: '127.0.0.1', noDelay: true })
    server.on('error', () => client.destroy())
    const pair: Pair = { client, server, isSilent: proxy.isSilent }
    pairs.add(pair)
    client.on('close', () => {
      pairs.delete(pair)
      server.destroy()
    })
    void handOn(pair, { from: client, to: server })
    void handOn(pair, { from: server, to: client })
  })

  async function handOn(pair: Pair, { from, to }: { from: Socket; to: Socket }): Promise<void> {
    try {
      for await (let chunk of from as AsyncIterable<Buffer>) {
        if (to === pair.client && proxy.delayMs > 0) await delay(proxy.delayMs)
        while (to === pair.client && bytesToClients >= proxy.answersUpTo && !to.destroyed) await delay(HOLD_POLL_MS)
        if (to === pair.server && proxy.holdsBack !== undefined) {
          await delay(ONE_GO_MS)
          chunk = Buffer.concat([chunk, from.read() ?? Buffer.alloc(0)])
          if (proxy.holdsBack(chunk)) {
            proxy.holdsBack = undefined
            tellHeld()
            await isLetGo
          }
        }
        if (pair.isSilent) continue
        if (to === pair.client) bytesToClients += chunk.length
        else bytesToServer += chunk.length
        if (!to.write(chunk)) await drained(to)
      }
      if (!pair.isSilent) to.end()
    } catch {
      if (!pair.isSilent) to.destroy()
    }
  }

  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const proxy: TcpProxy = {
    port: (listener.address() as AddressInfo).port,
    isRefusing: false,
    isSilent: false,
    delayMs: 0,
    answersUpTo: Number.POSITIVE_INFINITY,
    holdsBack: undefined,
    held: () => isHeld,
    letGo,
    bytesToClients: () => bytesToClients,
    bytesToServer: () => bytesToServer,
    connectionsMade: () => connectionsMade,
    silence() {
      for (const pair of pairs) pair.isSilent = true
    },
    reset() {
      for (const { client } of pairs) client.resetAndDestroy()
    },
    drop() {
      for (const { client } of pairs) client.end()
    },
    async [Symbol.asyncDispose]() {
      listener.close()
      for (const { client, server } of pairs) {
        client.destroy()
        server.destroy()
      }
      await once(listener, 'close')
    },
  }
  return proxy
}
