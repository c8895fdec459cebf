import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'

/**
 * Whether a request over plain http names a host that this server is. A page on the internet can point a name of its own at 127.0.0.1 and
 * let the browser talk to us (DNS rebinding); it cannot make the browser send another name. An address cannot be pointed anywhere, so
 * every address is fine. Over https the certificate says the same.
 */
export function createHostCheck(hosts: readonly string[]): (request: IncomingMessage) => boolean {
  const expected = new Set(['localhost', ...hosts.map((host) => host.toLowerCase())])
  return (request) => {
    if ('encrypted' in request.socket) return true
    const host = (request.headers.host ?? '').toLowerCase().replace(/:\d+$/, '').replace(/\.$/, '')
    return expected.has(host) || isIP(host.replace(/^\[(.*)\]$/, '$1')) !== 0
  }
}
