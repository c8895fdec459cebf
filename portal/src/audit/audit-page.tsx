import { useCallback } from 'react'
import type { AuditRecord, Page as PageOf } from '../../../src/client/api-types.ts'
import { usePages } from '../server/use-pages.ts'
import { useServer } from '../server/use-server.ts'
import { DataList } from '../show/data-list.tsx'
import { More } from '../show/more.tsx'
import { Page } from '../show/page.tsx'
import { AUDIT_COLUMNS, auditKey } from './audit-columns.tsx'

/** The audit log of an instance. */
export default function AuditPage() {
  const { client } = useServer()
  const first = useCallback(() => client.pages.audit(), [client])
  const next = useCallback((page: PageOf<AuditRecord>) => client.pages.next(page), [client])
  const pages = usePages(first, next)
  return (
    <Page title="Audit log">
      {pages.items.length > 0 && (
        <DataList label="Audit log" columns={AUDIT_COLUMNS} items={pages.items} keyOf={auditKey} />
      )}
      <More pages={pages} noun="entry" plural="entries" />
    </Page>
  )
}
