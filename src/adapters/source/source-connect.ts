import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { callbackify } from 'node:util'
import { buildConnector } from 'undici'
import { normalHost, OWN, portOf, type SourcePolicy } from './source-policy.ts'

/** Nothing was dialled, because the policy allows no address of the host. The message says which address and what it is. */
export class AddressRefused extends Error {}

/** Answers all addresses of a host name, in the order in which they are to be tried. */
export type ResolveHost = (hostname: string) => Promise<string[]>

export const resolveBySystem: ResolveHost = async (hostname) => {
  const found = await lookup(hostname, { all: true })
  return found.map(({ address }) => address)
}

/**
 * The `connect` function for undici. It asks for the host's addresses once, lets the policy judge every one of them, and
 * dials only those that were allowed: a name that answers differently the next time gains nothing. Fails with `AddressRefused`.
 */
export function checkedConnector({
  policy,
  resolve,
  connectMs,
  ca,
  flag = '--allow-source',
}: {
  policy: SourcePolicy
  resolve: ResolveHost
  connectMs: number
  ca: string | undefined
  /** By which the operator may allow an address. */
  flag?: string
}): buildConnector.connector {
  return (target, callback) => {
    const { hostname } = target
    const port = portOf(target)
    const allowedOf = (addresses: string[]) => {
      const { allowed, refused } = policy.judge({ hostname, port, addresses })
      if (allowed.length === 0) throw new AddressRefused(whyRefused({ hostname, port, refused: refused[0], flag }))
      return allowed.map((address) => ({ address, family: isIP(address) }))
    }

    const isLiteral = isIP(hostname) !== 0
    if (isLiteral) {
      // Node dials a literal address at once and never calls `lookup` for it.
      try {
        allowedOf([hostname])
      } catch (error) {
        callback(error as AddressRefused, null)
        return
      }
    }
    const connect = buildConnector({
      timeout: connectMs,
      allowH2: false,
      autoSelectFamily: true,
      lookup: callbackify(async (name: string, _options: unknown) => allowedOf(await resolve(name))),
      ...(ca === undefined ? {} : { ca }),
    })
    // Server name indication knows neither addresses nor the dot that ends a full name.
    connect({ ...target, servername: isLiteral ? '' : normalHost(hostname) }, callback)
  }
}

function whyRefused({
  hostname,
  port,
  refused,
  flag,
}: {
  hostname: string
  port: number
  flag: string
  refused: { address: string; kind: string } | undefined
}): string {
  if (refused === undefined) return `${hostname} has no address.`
  const subject = refused.address === hostname ? hostname : `${hostname} leads to ${refused.address}, which`
  if (refused.kind === OWN) return `${subject} is ${refused.kind}, from which nothing is fetched.`
  const option = `${flag} ${hostname.includes(':') ? `[${hostname}]` : normalHost(hostname)}:${port}`
  return `${subject} is ${refused.kind}. Use a public address, or let the operator allow this one with ${option}.`
}
