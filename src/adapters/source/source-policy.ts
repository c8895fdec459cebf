import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'
import ipaddr from 'ipaddr.js'

type Address = ipaddr.IPv4 | ipaddr.IPv6

/** What one `--allow-source` opens beyond the public addresses: a host name or a range (`10.0.0.0/8`), on one port or on all. */
export type AllowedSource = ({ host: string } | { range: string }) & { port?: number }

export interface Judgement {
  /** The addresses that may be dialled, in the order they were given. */
  allowed: string[]
  /** The others, each with what it is, such as "a loopback address". */
  refused: { address: string; kind: string }[]
}

/** Decides from which addresses this server fetches what callers name. */
export interface SourcePolicy {
  /**
   * Parts the addresses that a host name resolved to (or the one literal address) into allowed and refused. Public
   * unicast addresses are allowed, all others only where the operator named the host or the address's range.
   */
  judge(place: { hostname: string; port: number; addresses: readonly string[] }): Judgement
  /** Whether the operator named this very host: by its name or, for a literal address, by a range. */
  allowsHost(url: URL): boolean
}

/**
 * Reads `HOST-OR-CIDR[:PORT]`: a host name, an IPv4 address, an IPv6 address in brackets, or a range of either.
 * Throws an `Error` whose message is a sentence for the operator.
 */
export function parseAllowedSource(entry: string): AllowedSource {
  const [, bracketed, ranged, plain, portText] = ENTRY.exec(entry) ?? []
  const place = bracketed ?? ranged ?? plain ?? entry
  if (portText !== undefined && !(/^\d+$/.test(portText) && Number(portText) >= 1 && Number(portText) <= 65_535)) {
    throw new Error(`"${entry}" is no source: the port must be a number from 1 to 65535.`)
  }
  const port = portText === undefined ? {} : { port: Number(portText) }

  const [, address = '', bitsText] = /^(.+?)(?:\/(\d+))?$/.exec(place) ?? []
  if (isIP(address) !== 0) {
    const parsed = ipaddr.parse(address)
    const bitsMax = parsed.kind() === 'ipv4' ? 32 : 128
    const bits = Number(bitsText ?? bitsMax)
    if (bits > bitsMax) {
      throw new Error(`"${entry}" is no range of addresses: the number after "/" must be at most ${bitsMax}.`)
    }
    return { range: `${parsed}/${bits}`, ...port }
  }

  const host = normalHost(domainToASCII(place))
  // An address in an unusual form, such as 0177.0.0.1 or 10, would silently mean something else than it seems to.
  if (place.includes('/') || isIP(host) !== 0 || !/^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/.test(host)) {
    throw new Error(
      `"${entry}" is no source. Write a host name, an address or a range, each with or without a port: ` +
        'files.example:8080, 10.1.2.3, 10.0.0.0/8, [fd00::1]:443 or [fd00::/8].',
    )
  }
  return { host, ...port }
}

/** An `AllowedSource`, ready to compare with. */
type Opened = { port: number | undefined } & ({ host: string } | { range: [Address, number] })

// [IPv6 or its range], or a range, or a host or IPv4 address; each with or without a port.
const ENTRY = /^(?:\[([^\]]+)\]|([^[\]]+\/\d+)|([^:[\]]+))(?::(.*))?$/

/**
 * The rules for a server whose operator gave these `--allow-source` entries; with none, only public addresses. What `own` includes is
 * refused in any case.
 */
export function createSourcePolicy(
  entries: readonly AllowedSource[] = [],
  own: { includes(address: string, port: number): boolean } = { includes: () => false },
): SourcePolicy {
  const opened: Opened[] = entries.map((entry) =>
    'range' in entry
      ? { port: entry.port, range: ipaddr.parseCIDR(entry.range) }
      : { port: entry.port, host: entry.host },
  )

  function entriesFor(port: number): Opened[] {
    return opened.filter((entry) => entry.port === undefined || entry.port === port)
  }

  return {
    judge({ hostname, port, addresses }) {
      const applicable = entriesFor(port)
      const hostIsNamed = applicable.some((entry) => 'host' in entry && entry.host === normalHost(hostname))
      const judgement: Judgement = { allowed: [], refused: [] }
      for (const address of addresses) {
        const parsed = ipaddr.parse(address)
        const isAllowed = hostIsNamed || inAnyRange(parsed, applicable)
        const kind = own.includes(address, port) ? OWN : isAllowed ? undefined : kindUnlessPublic(parsed)
        if (kind === undefined) judgement.allowed.push(address)
        else judgement.refused.push({ address, kind })
      }
      return judgement
    },

    allowsHost(url) {
      const host = normalHost(url.hostname)
      const applicable = entriesFor(portOf(url))
      if (isIP(host) !== 0) return inAnyRange(ipaddr.parse(host), applicable)
      return applicable.some((entry) => 'host' in entry && entry.host === host)
    },
  }
}

/** The port that a URL leads to, also where it is left out. */
export function portOf({ port, protocol }: { port: string; protocol: string }): number {
  return Number(port) || (protocol === 'https:' ? 443 : 80)
}

/** A host name as it is compared: in lower case, without the dot that ends a full name and without IPv6 brackets. */
export function normalHost(hostname: string): string {
  return hostname
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')
}

function inAnyRange(address: Address, entries: readonly Opened[]): boolean {
  return entries.some(
    (entry) => 'range' in entry && entry.range[0].kind() === address.kind() && address.match(entry.range),
  )
}

// Where clouds keep the secrets of their machines. Azure's 168.63.129.16 is the one that looks public.
const METADATA = new Set(['169.254.169.254', '168.63.129.16', '100.100.100.200', 'fd00:ec2::254', 'fd20:ce::254'])

/** No setting opens these. */
export const OWN = 'a port of this server itself'

const GLOBAL_IPV6 = ipaddr.IPv6.parseCIDR('2000::/3')

const KINDS: Readonly<Record<string, string>> = {
  unspecified: 'an unspecified address',
  loopback: 'a loopback address',
  private: 'a private address',
  uniqueLocal: 'a private (unique local) address',
  linkLocal: 'a link-local address',
  carrierGradeNat: 'a shared (carrier-grade NAT) address',
  multicast: 'a multicast address',
  broadcast: 'the broadcast address',
  ipv4Mapped: 'an IPv4-mapped address',
  '6to4': 'a translated (6to4) address',
  teredo: 'a translated (Teredo) address',
  rfc6052: 'a translated (NAT64) address',
  rfc6145: 'a translated (SIIT) address',
}

function kindUnlessPublic(address: Address): string | undefined {
  if (METADATA.has(address.toString())) return 'a cloud metadata address'
  const range = address.range()
  if (range !== 'unicast') return KINDS[range] ?? 'a reserved address'
  // ipaddr.js calls every IPv6 address unicast that it has no name for, also the IPv4-compatible ::7f00:1.
  if (address.kind() === 'ipv6' && !address.match(GLOBAL_IPV6)) return 'a reserved address'
  return undefined
}
