import type { Database } from '../../ports/database.ts'
import { countIdleBlobs } from '../../store/blobs/inspect-blobs.ts'
import type { Step } from './step.ts'

/** A sweep looks every ten minutes at most, and at a few hundred blobs each time. */
const LATE_MS = 3600 * 1000

/** Whether bytes that nothing needs any more are deleted in time. */
export function checkIdleBlobs(
  database: () => Database,
  { graceMs, isServerRunning }: { graceMs: number; isServerRunning: boolean },
): Step {
  return {
    name: 'idle-blobs',
    title: 'Idle blobs',
    needs: ['database', 'schema'],
    async run(pen) {
      const overdue = await countIdleBlobs(database(), graceMs + LATE_MS)
      if (overdue > 0) {
        const sentence = `${overdue} blobs should be deleted by now, but are not.`
        if (isServerRunning) pen.warn(`${sentence} Look for "housekeeping" in the log of the server.`)
        else pen.note(`${sentence} The server does it after its next start.`)
      }
      return `${await countIdleBlobs(database(), 0)} blobs may have lost their last user.`
    },
  }
}
