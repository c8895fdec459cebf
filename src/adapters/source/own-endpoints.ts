import { networkInterfaces } from 'node:os'
import ipaddr from 'ipaddr.js'

/** Where the server itself, or something that only it should talk to, listens. */
export interface OwnEndpoint {
  /** Absent: every address of this machine. */
  address?: string
  port: number
}

export interface OwnEndpoints {
  add(endpoint: OwnEndpoint): void
  includes(address: string, port: number): boolean
  all(): readonly OwnEndpoint[]
}

/**
 * Says whether an address and port lead back to this server. What callers name is never fetched from there, even where the operator
 * allowed the range: a request that comes from the server itself would look trusted.
 */
export function createOwnEndpoints(first: readonly OwnEndpoint[] = []): OwnEndpoints {
  const endpoints = [...first]
  return {
    all: () => endpoints,
    add(endpoint) {
      endpoints.push(endpoint)
    },
    includes(address, port) {
      const samePort = endpoints.filter((endpoint) => endpoint.port === port)
      if (samePort.length === 0) return false
      const plain = plainOf(address)
      return samePort.some((own) => (own.address === undefined ? isThisMachine(plain) : plainOf(own.address) === plain))
    },
  }
}

/** Asked each time: interfaces come and go. */
function isThisMachine(address: string): boolean {
  const range = ipaddr.parse(address).range()
  if (range === 'loopback' || range === 'unspecified') return true
  return Object.values(networkInterfaces()).some((found) => found?.some((own) => plainOf(own.address) === address))
}

/** One spelling for each address; an IPv4 address inside an IPv6 one counts as itself. */
function plainOf(address: string): string {
  return ipaddr.process(address.replace(/%.*$/, '')).toString()
}
