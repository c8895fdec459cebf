import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Tls } from './tls-files.ts'

const RENEWAL_MS = 30 * 24 * 60 * 60_000

/**
 * Reads the operator's own certificate, with its chain behind it, and its key, both PEM. Throws an `Error` that says
 * what to do if they cannot be read, do not belong together, or are not valid now.
 */
export async function loadOwnTls({
  certPath,
  keyPath,
  now = new Date(),
}: {
  certPath: string
  keyPath: string
  now?: Date
}): Promise<Tls> {
  const cert = `${certPath} (--tls-cert)`
  const key = `${keyPath} (--tls-key)`
  const certPem = await readSetting(certPath, cert)
  const keyPem = await readSetting(keyPath, key)
  const certificate = parse(() => new X509Certificate(certPem), `${cert} is not a certificate in PEM form`)
  const privateKey = parse(
    () => createPrivateKey(keyPem),
    `${key} is not a private key in PEM form, or is protected by a passphrase`,
  )
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new Error(
      `The key in ${key} does not belong to the certificate in ${cert}. ` +
        'In a file with a chain, the certificate of the server must come first.',
    )
  }
  const { validFromDate, validToDate: expiresAt } = certificate
  if (expiresAt <= now) throw new Error(`The certificate in ${cert} expired on ${expiresAt.toISOString()}. Renew it.`)
  if (validFromDate > now) {
    throw new Error(
      `The certificate in ${cert} is not valid before ${validFromDate.toISOString()}. Check the clock of this machine.`,
    )
  }
  const expiresSoon = expiresAt.getTime() - now.getTime() < RENEWAL_MS
  const notes = expiresSoon ? [`The certificate in ${cert} expires on ${expiresAt.toISOString()}. Renew it soon.`] : []
  return { certPem, keyPem, expiresAt, notes }
}

async function readSetting(path: string, named: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new Error(`${named} cannot be read: ${(error as Error).message}`, { cause: error })
  }
}

function parse<T>(attempt: () => T, flaw: string): T {
  try {
    return attempt()
  } catch (error) {
    throw new Error(`${flaw}: ${(error as Error).message}`, { cause: error })
  }
}
