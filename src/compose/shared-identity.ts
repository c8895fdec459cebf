import { dirname, join } from 'node:path'
import { DATA_FILES } from '../adapters/filesystem/data-files.ts'
import { makeFolder, readIfThere, replaceFile } from '../adapters/filesystem/durable-files.ts'
import type { Tls } from '../adapters/tls/tls-files.ts'
import { openLocalIssuer } from '../adapters/tokens/local-issuer.ts'
import type { Database } from '../ports/database.ts'
import { findSharedKeys, offerSharedKeys, replaceSharedKeys, type SharedKeys } from '../store/nodes/shared-keys.ts'

/** Files of the data folder, by their paths: these names they have in the database too. */
const ISSUER = ['installation.json', 'keys/issuer.jwk.json']
const AUTHORITY = ['tls/ca.pem', 'tls/ca-key.pem']

/** A node, by its data folder, and the database that it shares with others. */
export interface Node {
  folder: string
  database: Database
}

/**
 * Gives a node the local issuer that all nodes of its database share: a token of one opens all. The first node shares its own. Throws
 * an `Error` with a sentence where the data folder is of another installation.
 */
export async function shareIssuer({ folder, database }: Node): Promise<void> {
  const shared = await findSharedKeys(database, ISSUER)
  const own = await readFiles(folder, ISSUER)
  const [mark = ''] = ISSUER
  if (shared[mark] !== undefined) {
    if (own[mark] !== undefined && own[mark] !== shared[mark]) {
      throw new Error(
        `The data folder ${folder} is of another installation than the database. Name an empty or a new folder with --data.`,
      )
    }
    return await writeFiles(folder, shared)
  }
  await openLocalIssuer({ folder })
  await writeFiles(folder, await offerSharedKeys(database, await readFiles(folder, ISSUER)))
}

/**
 * Gives a node the private CA that all nodes of its database share, and lets `load` do with the folder what it does. Where that makes
 * the CA anew, such as for a host that it could not vouch for, the new one is shared.
 */
export async function shareAuthority({ folder, database }: Node, load: () => Promise<Tls>): Promise<Tls> {
  const shared = await findSharedKeys(database, AUTHORITY)
  await writeFiles(folder, shared)
  const tls = await load()
  const own = await readFiles(folder, AUTHORITY)
  if (AUTHORITY.every((path) => own[path] === shared[path])) return tls
  if (Object.keys(shared).length > 0) {
    await replaceSharedKeys(database, own)
    return tls
  }
  const inForce = await offerSharedKeys(database, own)
  if (AUTHORITY.every((path) => own[path] === inForce[path])) return tls
  // Another node was first.
  return await shareAuthority({ folder, database }, load)
}

async function readFiles(folder: string, paths: readonly string[]): Promise<SharedKeys> {
  const files: Record<string, string> = {}
  for (const path of paths) {
    const text = await readIfThere(join(folder, path))
    if (text !== undefined) files[path] = text
  }
  return files
}

async function writeFiles(folder: string, files: SharedKeys): Promise<void> {
  const own = await readFiles(folder, Object.keys(files))
  for (const { path, mode, folderMode = 0o750 } of DATA_FILES) {
    const content = files[path]
    if (content === undefined || content === own[path]) continue
    await makeFolder(dirname(join(folder, path)), folderMode)
    await replaceFile({ path: join(folder, path), content, mode })
  }
}
