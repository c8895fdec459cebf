import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'

/**
 * Whether a request over plain http names a host that this server is. A page on the internet can point a name of its own at 127.0.0.1 and
 * let the browser talk to us (DNS rebinding); it cannot make the browser send another name. An address cannot be pointed anywhere, so
 * every address is fine. Over https the certificate says the same.
 */
export function createHostCheck(hosts: readonly string[]): (request: IncomingMessage) => boolean {
  const expected = new Set(['localhost', ...hosts.map((host) => host.toLowerCase())])
  const isExpected = (header: string) => {
    const host = header.toLowerCase().replace(/:\d+$/, '').replace(/\.$/, '')
    return expected.has(host) || isIP(host.replace(/^\[(.*)\]$/, '$1')) !== 0
  }
  // Almost every request names the host that the one before it named.
  let lastExpected: string | undefined
  return ({ socket, headers: { host = '' } }) => {
    if ('encrypted' in socket || host === lastExpected) return true
    if (!isExpected(host)) return false
    lastExpected = host
    return true
  }
}
