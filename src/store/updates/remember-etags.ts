import type { UpdateId } from '../../domain/update-id.ts'
import type { Database } from '../../ports/database.ts'
import { findUpdateEtag } from './updates.ts'

/** Some 3 MiB. */
const ETAGS_MAX = 10_000

/** Answers what `findUpdateEtag` would, and asks the database only where something may have been written since it was asked before. */
export function rememberEtags(
  database: Database,
): (instance: string, updateId: UpdateId) => Promise<string | undefined> {
  const etags = new Map<string, string>()
  let readAt: number | undefined

  return async (instance, updateId) => {
    const revision = database.revision?.()
    if (revision === undefined) return await findUpdateEtag(database, instance, updateId)
    if (revision !== readAt || etags.size >= ETAGS_MAX) etags.clear()
    readAt = revision
    const key = JSON.stringify([instance, updateId.provider, updateId.name, updateId.version])
    const known = etags.get(key)
    if (known !== undefined) return known
    const etag = await findUpdateEtag(database, instance, updateId)
    if (etag !== undefined && database.revision?.() === revision) etags.set(key, etag)
    return etag
  }
}
