import type { AuditEntry } from '../domain/audit-entry.ts'

/** Keeps the audit log where people and their tools read it. Entries are only ever added. */
export interface AuditFile {
  /** Adds an entry as one line. The promise resolves when the line is with the operating system. */
  append(entry: AuditEntry & { at: string }): Promise<void>
  close(): Promise<void>
}
