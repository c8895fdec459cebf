import type { Caller } from './caller.ts'

export const AUDIT_ACTIONS = [
  'import',
  'delete',
  'check',
  'rescan',
  'stage',
  'unstage',
  'set-webhook',
  'delete-webhook',
  'retry-webhook',
  'sign-in',
  'refused',
] as const

/** One line of the audit log: who did what, from where, and when. Never has a token or a signature. */
export interface AuditEntry {
  action: (typeof AUDIT_ACTIONS)[number]
  instance: string
  /** The subject and issuer of the caller's token; absent where there was none that is good. */
  subject?: string
  issuer?: string
  /** Where the request came from. */
  address: string
  traceId: string
  operationId?: string
  /** Why a request was refused: the code of its answer. `target` is what was asked for, or the role that a login link gave. */
  code?: string
  target?: string
}

/** The entry of what a caller did. */
export function auditEntryOf(
  { subject, issuer, address, traceId }: Caller,
  did: Pick<AuditEntry, 'action' | 'instance' | 'operationId' | 'target'>,
): AuditEntry {
  return { ...did, subject, issuer, address, traceId }
}
