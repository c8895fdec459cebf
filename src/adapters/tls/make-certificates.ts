import 'reflect-metadata'
import { createPublicKey, type KeyObject } from 'node:crypto'
import { isIPv6 } from 'node:net'
import * as x509 from '@peculiar/x509'
import { type CertificateHost, hostNamed } from './certificate-hosts.ts'

const DAY_MS = 24 * 60 * 60_000
const AUTHORITY_DAYS = 3650
/** Some clients accept no server certificate that is valid for more than 397 days. */
const SERVER_DAYS = 396
/** Clients whose clock is a little behind must accept a fresh certificate too. */
const BACKDATED_MS = 60 * 60_000

const EC_P256 = { name: 'ECDSA', namedCurve: 'P-256' }
const SIGNED_WITH = { name: 'ECDSA', hash: 'SHA-256' }
const NAME_CONSTRAINTS = '2.5.29.30'

/**
 * Makes the certificate of a private CA, as PEM: for ten years, for servers only, and for nothing but `hosts`, so that
 * whoever steals its key cannot pose as any other site to those who trust it.
 *
 * `key` is a private key on P-256. The same key gives the same subject: what it signed before stays valid under a new
 * certificate.
 */
export async function makeAuthority({
  key,
  hosts,
  now,
}: {
  key: KeyObject
  hosts: readonly CertificateHost[]
  now: Date
}) {
  const publicKey = publicKeyOf(key)
  const keyIdentifier = await x509.SubjectKeyIdentifierExtension.create(publicKey)
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [`Aduana private CA ${keyIdentifier.keyId.slice(0, 8)}`] }],
    ...validFor(AUTHORITY_DAYS, now),
    keys: { privateKey: signingKey(key), publicKey },
    signingAlgorithm: SIGNED_WITH,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.Extension(NAME_CONSTRAINTS, true, der(0x30, der(0xa0, ...hosts.map(permittedSubtree)))),
      keyIdentifier,
    ],
  })
  return pemOf(certificate)
}

/** Whether the name constraints of a CA made by `makeAuthority` allow it to sign for the host. */
export function mayVouchFor(authorityPem: string, host: CertificateHost): boolean {
  const constraints = new x509.X509Certificate(authorityPem).getExtension(NAME_CONSTRAINTS)
  return constraints !== null && Buffer.from(constraints.value).includes(permittedSubtree(host))
}

/** The hosts that a CA made by `makeAuthority` may sign for. */
export function vouchedHosts(authorityPem: string): CertificateHost[] {
  const constraints = new x509.X509Certificate(authorityPem).getExtension(NAME_CONSTRAINTS)
  if (constraints === null) return []
  const [sequence] = derParts(Buffer.from(constraints.value))
  const [permitted] = derParts(sequence ?? Buffer.alloc(0))
  return derParts(permitted ?? Buffer.alloc(0)).flatMap((subtree) => {
    const name = subtree.subarray(2 + (subtree[1] === 0x81 ? 1 : 0))
    if (subtree[0] === 0x82) return [{ type: 'dns' as const, value: name.toString('latin1') }]
    // Half of it is the mask.
    const address = name.subarray(0, name.length / 2)
    if (address.length === 4) return [hostNamed([...address].join('.'))]
    return [hostNamed((address.toString('hex').match(/..../g) ?? []).join(':'))]
  })
}

/** Makes the certificate of a server for all of `hosts`, as PEM, signed by the CA. */
export async function makeServerCertificate({
  authorityPem,
  authorityKey,
  key,
  hosts,
  now,
}: {
  authorityPem: string
  authorityKey: KeyObject
  key: KeyObject
  hosts: readonly CertificateHost[]
  now: Date
}): Promise<string> {
  const authority = new x509.X509Certificate(authorityPem)
  const publicKey = publicKeyOf(key)
  const certificate = await x509.X509CertificateGenerator.create({
    subject: [{ CN: ['Aduana'] }],
    issuer: authority.subjectName,
    ...validFor(SERVER_DAYS, now),
    publicKey,
    signingKey: signingKey(authorityKey),
    signingAlgorithm: SIGNED_WITH,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      alternativeNames(hosts),
      await x509.AuthorityKeyIdentifierExtension.create(authority),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
    ],
  })
  return pemOf(certificate)
}

/** Whether a certificate made by `makeServerCertificate` is for exactly these hosts, in this order. */
export function isFor(certificatePem: string, hosts: readonly CertificateHost[]): boolean {
  const names = new x509.X509Certificate(certificatePem).getExtension(x509.SubjectAlternativeNameExtension)
  return names !== null && Buffer.from(names.rawData).equals(Buffer.from(alternativeNames(hosts).rawData))
}

function alternativeNames(hosts: readonly CertificateHost[]) {
  return new x509.SubjectAlternativeNameExtension(hosts.map(({ type, value }) => ({ type, value })))
}

/** RFC 5280, 4.2.1.10: in a constraint an address has a mask behind it. */
function permittedSubtree({ type, value }: CertificateHost): Buffer {
  const constraint = type === 'dns' ? value : `${value}/${isIPv6(value) ? 128 : 32}`
  return der(0x30, Buffer.from(new x509.GeneralName(type, constraint).rawData))
}

/** The X.509 library has no name constraints; of DER they need only a tag, a length and what is inside. */
function der(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  const header = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...header]), content])
}

/** What is inside of each element that follows another in DER. */
function derParts(bytes: Buffer): Buffer[] {
  const parts: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const first = bytes[at + 1] ?? 0
    const lengthBytes = first < 0x80 ? 0 : first & 0x7f
    const begin = at + 2 + lengthBytes
    const length = lengthBytes === 0 ? first : bytes.readUIntBE(at + 2, lengthBytes)
    parts.push(bytes.subarray(begin, begin + length))
    at = begin + length
  }
  return parts
}

function validFor(days: number, now: Date) {
  return { notBefore: new Date(now.getTime() - BACKDATED_MS), notAfter: new Date(now.getTime() + days * DAY_MS) }
}

function publicKeyOf(key: KeyObject) {
  return createPublicKey(key).toCryptoKey(EC_P256, true, ['verify'])
}

function signingKey(key: KeyObject) {
  return key.toCryptoKey(EC_P256, false, ['sign'])
}

function pemOf(certificate: x509.X509Certificate): string {
  return `${certificate.toString('pem')}\n`
}
