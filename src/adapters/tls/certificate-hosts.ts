import { isIP } from 'node:net'

/** A host that a certificate can be made for: a DNS name in lower case, or an address in its usual form. */
export interface CertificateHost {
  type: 'dns' | 'ip'
  value: string
}

/** Reads a host as it stands in a setting or URL; `[::1]` and `::1` are the same. Throws an `Error` if it is none. */
export function hostNamed(text: string): CertificateHost {
  const host = hostIn(text)
  if (host !== undefined) return host
  throw new Error(
    `A certificate cannot be made for ${JSON.stringify(text)}: it is neither a DNS name nor an IP address.`,
  )
}

/** The host of a machine's name. People name machines as they like: what DNS does not allow becomes a hyphen. */
export function hostOfMachine(name: string): CertificateHost | undefined {
  const labels = name.toLowerCase().split('.')
  const allowed = labels.map((label) => label.replaceAll(/[^a-z0-9]+/g, '-').replaceAll(/^-|-$/g, ''))
  return hostIn(allowed.filter((label) => label !== '').join('.'))
}

/** Each host once, and always in the same order, so that certificates can be compared. */
export function inOrder(hosts: readonly CertificateHost[]): CertificateHost[] {
  const byValue = new Map(hosts.map((host) => [host.value, host]))
  return [...byValue.values()].toSorted((one, other) => (one.value < other.value ? -1 : 1))
}

/** The hosts as people read them, such as `::1, localhost`. */
export function namesOf(hosts: readonly CertificateHost[]): string {
  return hosts.map(({ value }) => value).join(', ')
}

function hostIn(text: string): CertificateHost | undefined {
  const inUrl = URL.parse(`https://${isIP(text) === 6 ? `[${text}]` : text}`)
  // Whatever is more than a host turns up in other parts of the URL.
  if (inUrl === null || inUrl.href !== `https://${inUrl.hostname}/`) return undefined
  const value = inUrl.hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '')
  if (isIP(value) !== 0) return { type: 'ip', value }
  return value.length <= 253 && value.split('.').every(isLabel) ? { type: 'dns', value } : undefined
}

function isLabel(text: string): boolean {
  return /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(text)
}
