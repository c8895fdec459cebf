import { createPrivateKey, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { makeFolder, readIfThere, replaceFile } from '../filesystem/durable-files.ts'
import { type CertificateHost, hostNamed, hostOfMachine, inOrder, namesOf } from './certificate-hosts.ts'
import { isFor, makeAuthority, makeServerCertificate, mayVouchFor, vouchedHosts } from './make-certificates.ts'

const DAY_MS = 24 * 60 * 60_000
/** A CA must outlive the server certificate that it is about to sign. */
const AUTHORITY_DAYS_LEFT_MIN = 400
const SERVER_DAYS_LEFT_MIN = 30

/** Everybody on the machine may read `ca.pem`; the keys protect themselves. */
const FOLDER_MODE = 0o755
const CERTIFICATE_MODE = 0o644
const KEY_MODE = 0o600

const ALWAYS = ['localhost', '127.0.0.1', '::1']

export interface Tls {
  /** What clients have to trust; absent with own certificates, whose CA is not our concern. */
  caPem?: string
  certPem: string
  keyPem: string
  expiresAt: Date
  /** What the operator should know: what was made or renewed and why, or what will expire. */
  notes: string[]
}

/**
 * Reads the private CA and the server certificate from the data folder `folder`, and makes or renews what is missing,
 * damaged, outdated, or for other hosts:
 *
 *     folder/tls/
 *     ├─ ca.pem           0644   what clients trust; for ten years, and for these hosts only
 *     ├─ ca-key.pem       0600
 *     ├─ server.pem       0644   for 397 days at most, renewed 30 days before that ends
 *     └─ server-key.pem   0600
 *
 * The server certificate is for localhost, 127.0.0.1, ::1, the machine's name, and `hostNames`: DNS names or addresses
 * from the configuration; an `Error` says if one is neither. A host outside the name constraints of the CA takes a new
 * CA certificate, which clients must be given again. That is done for `hostNames`, but not for the machine's name: it
 * changes by itself, in containers at every start.
 *
 * Only one process at a time may do this with a folder.
 */
export async function loadTls({
  folder,
  hostNames = [],
  isShared = false,
  machineName = hostname(),
  now = new Date(),
}: {
  folder: string
  hostNames?: readonly string[]
  /** Other nodes have the same CA: made anew it goes on vouching for their hosts. */
  isShared?: boolean
  machineName?: string
  now?: Date
}): Promise<Tls> {
  const tlsFolder = join(resolve(folder), 'tls')
  await makeFolder(tlsFolder, FOLDER_MODE)
  const notes: string[] = []
  const demanded = [...ALWAYS, ...hostNames].map(hostNamed)
  const machine = hostOfMachine(machineName)
  const wished = machine === undefined ? demanded : [...demanded, machine]

  const authority = await loadAuthority({ tlsFolder, demanded, wished, isShared, now, notes })
  const hosts = wished.filter((host) => mayVouchFor(authority.certificate.toString(), host))
  if (hosts.length < wished.length) {
    notes.push(
      `The CA was made before this machine was named ${machine?.value}, and cannot vouch for that name. ` +
        'If clients use it, name it with --public-url, and give them the new ca.pem.',
    )
  }
  const server = await loadServer({ tlsFolder, authority, hosts: inOrder(hosts), now, notes })

  return {
    caPem: authority.certificate.toString(),
    certPem: server.certificate.toString(),
    keyPem: pemOf(server.key),
    expiresAt: server.certificate.validToDate,
    notes,
  }
}

/** A key and its certificate. */
interface Identity {
  key: KeyObject
  certificate: X509Certificate
}

async function loadAuthority({
  tlsFolder,
  demanded,
  wished,
  isShared,
  now,
  notes,
}: {
  tlsFolder: string
  demanded: readonly CertificateHost[]
  wished: readonly CertificateHost[]
  isShared: boolean
  now: Date
  notes: string[]
}): Promise<Identity> {
  const files = await readFiles(join(tlsFolder, 'ca'))
  const { flaw, identity } = judge({ files, now, daysLeftMin: AUTHORITY_DAYS_LEFT_MIN })
  const outside =
    identity === undefined ? [] : demanded.filter((host) => !mayVouchFor(identity.certificate.toString(), host))
  if (identity !== undefined && outside.length === 0) return identity

  const key = files.key ?? newKey()
  const ofOthers = isShared && files.certificate !== undefined ? vouchedHosts(files.certificate.toString()) : []
  const pem = await makeAuthority({ key, hosts: inOrder([...wished, ...ofOthers]), now })
  if (files.key === undefined) await replaceFile({ path: files.keyPath, content: pemOf(key), mode: KEY_MODE })
  await replaceFile({ path: files.path, content: pem, mode: CERTIFICATE_MODE })
  notes.push(
    files.areNew
      ? `Made a private CA. Clients that use https have to trust ${files.path}.`
      : `Made the certificate of the private CA anew, with ${key === files.key ? 'the same' : 'a new'} key, ` +
          `because ${flaw ?? `it may not vouch for ${namesOf(outside)}`}. Give clients the new ${files.path}.`,
  )
  return { key, certificate: new X509Certificate(pem) }
}

async function loadServer({
  tlsFolder,
  authority,
  hosts,
  now,
  notes,
}: {
  tlsFolder: string
  authority: Identity
  hosts: readonly CertificateHost[]
  now: Date
  notes: string[]
}): Promise<Identity> {
  const files = await readFiles(join(tlsFolder, 'server'))
  const { flaw, identity } = judge({ files, now, daysLeftMin: SERVER_DAYS_LEFT_MIN })
  const unfit = identity && unfitFor({ authority, hosts, server: identity.certificate })
  if (identity !== undefined && unfit === undefined) return identity

  const key = newKey()
  const authorityPem = authority.certificate.toString()
  const pem = await makeServerCertificate({ authorityPem, authorityKey: authority.key, key, hosts, now })
  await replaceFile({ path: files.keyPath, content: pemOf(key), mode: KEY_MODE })
  await replaceFile({ path: files.path, content: pem, mode: CERTIFICATE_MODE })
  const made = `a certificate for ${namesOf(hosts)}`
  notes.push(files.areNew ? `Made ${made}.` : `Made ${made} in the place of the last one, because ${flaw ?? unfit}.`)
  return { key, certificate: new X509Certificate(pem) }
}

function unfitFor({
  authority,
  hosts,
  server,
}: {
  authority: Identity
  hosts: readonly CertificateHost[]
  server: X509Certificate
}): string | undefined {
  const issuer = authority.certificate
  if (!server.checkIssued(issuer) || !server.verify(issuer.publicKey)) return 'another CA had signed it'
  return isFor(server.toString(), hosts) ? undefined : 'it was for other hosts'
}

interface IdentityFiles {
  path: string
  keyPath: string
  /** Undefined if the file is missing or damaged; so is `certificate`. */
  key: KeyObject | undefined
  certificate: X509Certificate | undefined
  /** True if there is neither file. */
  areNew: boolean
}

async function readFiles(basePath: string): Promise<IdentityFiles> {
  const path = `${basePath}.pem`
  const keyPath = `${basePath}-key.pem`
  const [pem, keyPem] = [await readIfThere(path), await readIfThere(keyPath)]
  const key = keyPem === undefined ? undefined : parsed(() => createPrivateKey(keyPem))
  return {
    path,
    keyPath,
    key: key?.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? key : undefined,
    certificate: pem === undefined ? undefined : parsed(() => new X509Certificate(pem)),
    areNew: pem === undefined && keyPem === undefined,
  }
}

/** Gives what the files hold if it may be used on, or the flaw that forbids it. */
function judge({
  files: { path, keyPath, key, certificate },
  now,
  daysLeftMin,
}: {
  files: IdentityFiles
  now: Date
  daysLeftMin: number
}): { identity: Identity; flaw?: undefined } | { identity?: undefined; flaw: string } {
  if (key === undefined) return { flaw: `${keyPath} was missing or damaged` }
  if (certificate === undefined) return { flaw: `${path} was missing or damaged` }
  if (!certificate.checkPrivateKey(key)) return { flaw: `${path} and ${keyPath} did not belong together` }
  if (certificate.validFromDate > now) return { flaw: 'it was made while the clock was ahead' }
  const daysLeft = (certificate.validToDate.getTime() - now.getTime()) / DAY_MS
  if (daysLeft < daysLeftMin) return { flaw: `it expires on ${certificate.validToDate.toISOString()}` }
  return { identity: { key, certificate } }
}

function newKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
}

function pemOf(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString()
}

function parsed<T>(parse: () => T): T | undefined {
  try {
    return parse()
  } catch {
    return undefined
  }
}
