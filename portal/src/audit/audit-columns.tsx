import type { AuditRecord } from '../../../src/client/api-types.ts'
import type { Column } from '../show/data-list.tsx'
import { PageLink } from '../show/page-link.tsx'
import { Time } from '../show/time.tsx'

const ACTIONS: Readonly<Record<AuditRecord['action'], string>> = {
  import: 'Asked for an import',
  delete: 'Asked for a deletion',
  check: 'Asked for a check of an import',
  rescan: 'Asked for a malware scan',
  stage: 'Uploaded a file',
  unstage: 'Removed an upload',
  'set-webhook': 'Set a webhook',
  'delete-webhook': 'Deleted a webhook',
  'retry-webhook': 'Sent a failed delivery again',
  'sign-in': 'Signed in by a link',
  refused: 'Was refused',
}

/** Who did what, about what, from where, and when. */
export const AUDIT_COLUMNS: readonly Column<AuditRecord>[] = [
  { title: 'When', show: ({ occurredDateTime }) => <Time at={occurredDateTime} /> },
  {
    title: 'Who',
    width: 1.2,
    show: ({ subject, issuer }) => (subject === undefined ? 'Nobody known' : <span title={issuer}>{subject}</span>),
  },
  {
    title: 'What',
    width: 1.2,
    show: ({ action, code }) => (
      <>
        {ACTIONS[action]}
        {code !== undefined && (
          <div>
            <code>{code}</code>
          </div>
        )}
      </>
    ),
  },
  {
    title: 'About',
    width: 1.6,
    show: ({ target, operationId }) => (
      <>
        {target !== undefined && <div>{target}</div>}
        {operationId !== undefined && <PageLink to={`/operations/${operationId}`}>Operation {operationId}</PageLink>}
        {target === undefined && operationId === undefined && 'The instance'}
      </>
    ),
  },
  { title: 'From', show: ({ address }) => address },
]

/** Entries have no id of their own on the wire. */
export function auditKey({ occurredDateTime, action, traceId, target }: AuditRecord): string {
  return `${occurredDateTime} ${action} ${traceId} ${target}`
}
