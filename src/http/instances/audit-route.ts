import Type from 'typebox'
import { AUDIT_ACTIONS } from '../../domain/audit-entry.ts'
import { wireTime } from '../../domain/times.ts'
import type { Database } from '../../ports/database.ts'
import { type KeptAuditEntry, listAudit } from '../../store/audit.ts'
import { json } from '../calls/answers.ts'
import type { ApiRoute } from '../calls/call.ts'
import { cutPage, nextLink, PAGE_SIZE, pageTokenReader } from '../calls/paging.ts'
import { describe, listed } from '../route-schemas.ts'
import { dateTime } from '../schemas.ts'

export const AuditRecord = Type.Object(
  {
    occurredDateTime: dateTime('When it was.'),
    action: Type.Enum([...AUDIT_ACTIONS], { type: 'string' }),
    subject: Type.Optional(Type.String({ description: 'Who it was, as the token says; absent without a good token.' })),
    issuer: Type.Optional(Type.String({ description: 'Whose token it was.' })),
    address: Type.String({ description: 'Where the request came from.' }),
    traceId: Type.String({ pattern: '^[0-9a-f]{32}$' }),
    operationId: Type.Optional(Type.String()),
    code: Type.Optional(Type.String({ description: 'Why it was refused.' })),
    target: Type.Optional(Type.String({ description: 'What it was about.' })),
  },
  { $id: 'AuditRecord', description: 'One entry of the audit log.' },
)

const closed = { additionalProperties: false }

const readToken = pageTokenReader(
  Type.Object(
    {
      after: Type.Object(
        { id: Type.String(), at: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }) },
        closed,
      ),
      operation: Type.Optional(Type.String()),
      target: Type.Optional(Type.String()),
    },
    closed,
  ),
)

/**
 * The audit log of an instance. It names people and the addresses that they came from, so it is for those who look after the instance, and
 * not for everybody who may read its updates.
 */
export function auditRoute({ database }: { database: Database }): ApiRoute {
  return {
    method: 'GET',
    path: '/audit',
    permission: 'management/read',
    schema: describe(
      {
        operationId: 'Aduana_ListAudit',
        summary: 'List the audit log, newest first',
        description:
          'Who asked for which import, deletion or rescan, who signed in, and who was refused. What was refused outside of every ' +
          'instance is in the log of the server only.',
      },
      listed(
        AuditRecord,
        Type.Object({
          operation: Type.Optional(Type.String({ description: 'Only what is about this operation.' })),
          target: Type.Optional(
            Type.String({ description: 'Only what is about this, such as `Contoso/Toaster/1.0`.' }),
          ),
        }),
      ),
    ),
    async handle({ instance, query, ...call }) {
      const { after, operation, target } = readToken(query.skipToken) ?? { ...query, after: undefined }
      const found = await listAudit(database, {
        instance,
        operationId: operation,
        target,
        after,
        limit: PAGE_SIZE + 1,
      })
      const { shown, last } = cutPage(found)
      return json({
        value: shown.map(auditMembers),
        nextLink: last && nextLink({ ...call, query }, { after: { id: last.id, at: last.at }, operation, target }),
      })
    },
  }
}

function auditMembers({ at, action, subject, issuer, address, traceId, operationId, code, target }: KeptAuditEntry) {
  return { occurredDateTime: wireTime(at), action, subject, issuer, address, traceId, operationId, code, target }
}
