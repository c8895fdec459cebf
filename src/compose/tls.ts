import type { Logger } from 'pino'
import { loadOwnTls } from '../adapters/tls/own-tls.ts'
import { loadTls, type Tls } from '../adapters/tls/tls-files.ts'
import type { ServeConfig } from '../config/serve-settings.ts'
import { type Node, shareAuthority } from './shared-identity.ts'

/** Listening here names no host that a certificate could be for. */
const ANY_ADDRESS: ReadonlySet<string> = new Set(['0.0.0.0', '::'])

/** The operator's own certificate, or one of the private CA in the data folder for every name that this server is reached by. */
export async function loadTlsOf(
  config: ServeConfig,
  { node, isShared, log }: { node: Node; isShared: boolean; log: Logger },
): Promise<Tls> {
  const { 'tls-cert': certPath, 'tls-key': keyPath } = config
  const hostNames = hostNamesOf(config)
  const ofFolder = () => loadTls({ folder: node.folder, hostNames, isShared })
  const tls =
    certPath !== undefined && keyPath !== undefined
      ? await loadOwnTls({ certPath, keyPath })
      : await (isShared ? shareAuthority(node, ofFolder) : ofFolder())
  for (const note of tls.notes) log.info({ expiresAt: tls.expiresAt }, note)
  return tls
}

/** The names that this server is reached by, besides those of the loopback. */
export function hostNamesOf({ http, https, 'public-url': publicUrl }: ServeConfig): string[] {
  const listening = [http.host, https.host].filter((host) => !ANY_ADDRESS.has(host))
  return [...new Set([...listening, ...(publicUrl ? [new URL(publicUrl).hostname] : [])])]
}
