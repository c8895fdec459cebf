import { useCallback } from 'react'
import type { AuditRecord } from '../../../src/client/api-types.ts'
import { formatUpdateId, type UpdateId } from '../../../src/domain/update-id.ts'
import { useLoaded } from '../server/use-loaded.ts'
import { useServer } from '../server/use-server.ts'
import { DataList } from '../show/data-list.tsx'
import { Loading } from '../show/loading.tsx'
import { AUDIT_COLUMNS, auditKey } from './audit-columns.tsx'

/** Who had an update imported, and who asked that it be deleted. */
export function AuditTrail({ operationId, updateId }: { operationId: string; updateId: UpdateId }) {
  const { client } = useServer()
  const target = formatUpdateId(updateId)
  const load = useCallback(async () => {
    const pages = await Promise.all([client.pages.audit({ operation: operationId }), client.pages.audit({ target })])
    return pages.flatMap(({ value }) => value).sort(newestFirst)
  }, [client, operationId, target])
  const entries = useLoaded(load)
  return (
    <Loading of={entries} what="the audit log">
      {(value) =>
        value.length === 0 ? (
          <p>The audit log has nothing about this update. Entries are forgotten after 90 days.</p>
        ) : (
          <DataList label="Audit log" columns={AUDIT_COLUMNS} items={value} keyOf={auditKey} />
        )
      }
    </Loading>
  )
}

function newestFirst(a: AuditRecord, b: AuditRecord): number {
  return b.occurredDateTime.localeCompare(a.occurredDateTime)
}
