import { once } from 'node:events'
import { createServer } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import type { Behaviour } from '../support/misbehaving-source.ts'

/** Where the import that a stored data folder has in progress comes from: the same in every run, and nobody else's. */
export const STORED_SOURCE = { host: '127.77.0.1', port: 17_077 }

const TAKEN_MS_MAX = 20_000

/**
 * Serves these paths there. Waits where another run of the tests does just the same. Undefined where the machine has no such address:
 * only Linux has the whole of 127.0.0.0/8.
 */
export async function serveStored(paths: ReadonlyMap<string, Behaviour>): Promise<AsyncDisposable | undefined> {
  const server = createServer((request, response) => {
    const behave = paths.get(new URL(request.url ?? '/', 'http://source').pathname)
    if (behave !== undefined) behave(request, response)
    else response.writeHead(404).end()
  })
  for (const until = Date.now() + TAKEN_MS_MAX; ; await delay(100)) {
    server.listen(STORED_SOURCE.port, STORED_SOURCE.host)
    try {
      await once(server, 'listening')
      break
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EADDRNOTAVAIL') return undefined
      if (code !== 'EADDRINUSE' || Date.now() > until) throw error
    }
  }
  return {
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
