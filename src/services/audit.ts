import type { AuditEntry } from '../domain/audit-entry.ts'
import { wireTime } from '../domain/times.ts'
import { logIdsOf } from '../domain/trace-ids.ts'
import type { AuditFile } from '../ports/audit-file.ts'
import type { Database } from '../ports/database.ts'
import type { Log } from '../ports/log.ts'
import { insertAudit } from '../store/audit.ts'

/** More refusals a minute than this are only counted: whoever floods the door must not fill the disk. */
const REFUSALS_A_MINUTE = 100

export interface Audit {
  /** Writes the line of an entry that is in the table already, put there in the batch of what it tells of. */
  recorded(entry: AuditEntry): Promise<void>
  /** Keeps a refusal, in the table and as a line. */
  refused(entry: AuditEntry): Promise<void>
}

/** The audit log: a table, and a file of lines. A failure to write the line is logged and stops nothing. */
export function createAudit({
  database,
  file,
  log,
  now = Date.now,
}: {
  database: Database
  file: AuditFile
  log: Pick<Log, 'warn'>
  now?: () => number
}): Audit {
  let minute = 0
  // Counted apart: anonymous noise must not push out what somebody who signed in was refused.
  let refusals = { anonymous: 0, known: 0 }

  async function write(entry: AuditEntry): Promise<void> {
    try {
      await file.append({ at: wireTime(now()), ...entry })
    } catch (error) {
      log.warn({ err: error, entry, ...logIdsOf(entry.traceId) }, 'cannot write the audit log')
    }
  }

  return {
    recorded: write,
    async refused(entry) {
      const current = Math.floor(now() / 60_000)
      if (current !== minute) {
        const notKept = Object.values(refusals).reduce((sum, count) => sum + Math.max(0, count - REFUSALS_A_MINUTE), 0)
        if (notKept > 0) log.warn({ notKept }, 'refusals were too many to keep')
        minute = current
        refusals = { anonymous: 0, known: 0 }
      }
      const kind = entry.subject === undefined ? 'anonymous' : 'known'
      refusals[kind] += 1
      if (refusals[kind] > REFUSALS_A_MINUTE) return
      try {
        await database.batch([insertAudit(entry)])
      } catch (error) {
        log.warn({ err: error, entry, ...logIdsOf(entry.traceId) }, 'cannot keep an audit entry')
      }
      await write(entry)
    },
  }
}
