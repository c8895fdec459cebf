import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { CertificateFacts } from '../../ports/upkeep.ts'

/**
 * What there is to say about the certificates that a server with this data folder uses: its own, where `own` names them, else those
 * of the private CA. Changes nothing, unlike `loadTls`.
 */
export async function inspectTls({
  folder,
  own,
}: {
  folder: string
  own?: { certPath: string; keyPath: string } | undefined
}): Promise<CertificateFacts[]> {
  if (own !== undefined) {
    return [await inspect({ name: 'The server certificate', ...own, isRenewedByServer: false })]
  }
  const pair = (name: string, base: string) =>
    inspect({
      name,
      certPath: join(folder, 'tls', `${base}.pem`),
      keyPath: join(folder, 'tls', `${base}-key.pem`),
      isRenewedByServer: true,
    })
  return [await pair('The certificate of the private CA', 'ca'), await pair('The server certificate', 'server')]
}

async function inspect({
  name,
  certPath,
  keyPath,
  isRenewedByServer,
}: {
  name: string
  certPath: string
  keyPath: string
  isRenewedByServer: boolean
}): Promise<CertificateFacts> {
  const about = { title: `${name} ${certPath}`, isRenewedByServer }
  try {
    const certificate = new X509Certificate(await readFile(certPath))
    const { validFromDate, validToDate } = certificate
    const dates = { validFrom: validFromDate.getTime(), expiresAt: validToDate.getTime() }
    if (certificate.checkPrivateKey(createPrivateKey(await readFile(keyPath)))) return { ...about, ...dates }
    return { ...about, ...dates, flaw: `does not belong to its key ${keyPath}` }
  } catch (error) {
    return { ...about, flaw: `or its key cannot be used: ${(error as Error).message}` }
  }
}
