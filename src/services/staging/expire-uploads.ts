import type { Database } from '../../ports/database.ts'
import { forgetReleasedUploads, listExpiredUploads, releaseUpload } from '../../store/staging/staged-uploads.ts'

/** What became of an upload can be told for as long as what became of an operation. */
const RELEASED_KEPT_MS = 7 * 24 * 3600 * 1000

/** Uploads that one pass looks at, so that a pass stays short. */
const PASS_MAX = 100

/** Ends uploads whose time is over and that no operation uses; sweep takes their bytes. Answers how many ended. */
export async function expireUploads(database: Database, signal: AbortSignal): Promise<number> {
  let released = 0
  for (let found = PASS_MAX; found === PASS_MAX && !signal.aborted; ) {
    const ids = await listExpiredUploads(database, PASS_MAX)
    found = ids.length
    for (const id of ids) if (await releaseUpload(database, id)) released += 1
  }
  await forgetReleasedUploads(database, RELEASED_KEPT_MS, PASS_MAX)
  return released
}
