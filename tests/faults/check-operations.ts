import type { DatabaseSync } from 'node:sqlite'
import { type Identity, keyOf } from './declared-content.ts'
import type { Finding, FindingCode } from './finding.ts'

interface OperationRow {
  id: string
  instance: string
  kind: string
  status: string
  hasRequest: number
  due: number | null
  ended: number | null
  error: string | null
  holds: number
}

interface Item extends Identity {
  operation: string
}

/** Whether no operation hangs, and every one that ended has left what it should, and only that. */
export function checkOperations(database: DatabaseSync, { quiescent }: { quiescent: boolean }): Finding[] {
  const operations = database
    .prepare(
      `select id, instance, kind, status, request is not null as hasRequest, due_at as due, ended_at as ended, error,
              (select count(*) from blob_holds h where h.operation_id = o.id) as holds
         from operations o order by created_at, id`,
    )
    .all() as unknown as OperationRow[]
  const items = database
    .prepare('select operation_id as operation, provider, name, version from operation_items')
    .all() as unknown as Item[]
  const updates = database
    .prepare('select instance, provider, name, version from updates')
    .all() as unknown as (Identity & { instance: string })[]
  const known = new Set(updates.map((update) => `${update.instance}/${keyOf(update)}`))

  /** A child goes with its last parent, so any later deletion of another update may have taken it along. */
  const isDeletedSince = ({ instance, ended }: OperationRow) =>
    operations.some(
      (other) =>
        other.kind === 'delete' &&
        other.status === 'Succeeded' &&
        other.instance === instance &&
        (other.ended ?? 0) >= (ended ?? 0),
    )

  return operations.flatMap((operation) => {
    const { id, instance, kind, status, hasRequest, due, ended, error, holds } = operation
    const findings: Finding[] = []
    const find = (code: FindingCode, what: string) =>
      findings.push({ code, sentence: `The ${kind} operation ${id} (${status}) ${what}.` })

    if (status === 'NotStarted' || status === 'Running') {
      if (due === null) find('operation-stuck', 'is never due: no worker will take it up')
      if (!hasRequest) find('operation-stuck', 'has lost its request: no worker can run it')
      if (ended !== null) find('operation-status-wrong', 'has a time of its end')
      if (quiescent) find('operation-unfinished', 'has not ended')
      return findings
    }
    if (status !== 'Succeeded' && status !== 'Failed') {
      find('operation-status-wrong', 'has a status that there is not')
      return findings
    }
    if (due !== null) find('operation-not-wiped', 'is still due')
    if (hasRequest) find('operation-not-wiped', 'keeps its request with the signed URLs')
    if (ended === null) find('operation-status-wrong', 'has no time of its end')
    if (holds > 0) find('hold-left', `still holds ${holds} blobs`)
    if (status === 'Failed' && !isError(error)) find('operation-error-wrong', `failed with the error ${error}`)
    if (status === 'Succeeded' && error !== null) find('operation-error-wrong', `has the error ${error}`)

    const own = items.filter(({ operation: owner }) => owner === id)
    if (status === 'Succeeded' && own.length === 0) find('operation-result-missing', 'is about no update')
    if (status === 'Succeeded' && kind === 'import') {
      for (const item of own) {
        if (known.has(`${instance}/${keyOf(item)}`) || isDeletedSince(operation)) continue
        find('operation-result-missing', `imported ${keyOf(item)}, which is not there and was not deleted since`)
      }
    }
    return findings
  })
}

function isError(text: string | null): boolean {
  try {
    const { code, message } = JSON.parse(text ?? '')
    return typeof code === 'string' && code !== '' && typeof message === 'string' && message !== ''
  } catch {
    return false
  }
}
