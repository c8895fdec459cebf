import { open } from 'node:fs/promises'
import type { AuditFile } from '../../ports/audit-file.ts'

/**
 * Opens the audit log as a file of JSON lines, made if it is missing. It is opened for appending only, so that several processes may
 * write it and a tool that rotates it needs no signal when it copies and truncates.
 */
export async function openAuditJsonLines(path: string): Promise<AuditFile> {
  const handle = await open(path, 'a', 0o640)
  return {
    async append(entry) {
      // One write for one line: lines of concurrent requests do not mix.
      await handle.appendFile(`${JSON.stringify(entry)}\n`)
    },
    close: () => handle.close(),
  }
}
