import type { FastifyInstance, FastifyRequest } from 'fastify'
import Type from 'typebox'
import { type Principal, permissionsIn } from '../../domain/permissions.ts'
import type { Database } from '../../ports/database.ts'
import type { Scanner } from '../../ports/scanner.ts'
import { listInstances } from '../../store/instances.ts'
import { json } from '../calls/answers.ts'
import { send } from '../calls/call.ts'
import { describe, document } from '../route-schemas.ts'

/** Where a caller learns what there is to choose from. */
export const INSTANCES_PATH = '/aduana/v1/instances'

export const InstancesDocument = Type.Object(
  {
    subject: Type.String({ description: 'Who the token speaks for, as the audit log calls the caller.' }),
    issuer: Type.String(),
    value: Type.Array(
      Type.Object({
        instance: Type.String(),
        permissions: Type.Array(Type.String(), { minItems: 1, description: 'What the caller may do there.' }),
      }),
      { description: 'The instances in which the caller has a role, the first one made first.' },
    ),
    malwareScan: Type.Boolean({ description: 'Whether the server has a malware scanner.' }),
  },
  { title: 'Instances', description: 'Who calls, and where the caller may do what.' },
)

/** Answers whoever has a good token what it opens; of other instances it tells nothing. */
export function serveInstances(
  app: FastifyInstance,
  {
    database,
    scanner,
    identify,
  }: {
    database: Database
    scanner?: Scanner | undefined
    identify: (request: FastifyRequest) => Promise<Principal>
  },
): void {
  const schema = describe(
    {
      operationId: 'Aduana_ListInstances',
      summary: 'List the instances that the caller has a role in',
      description: 'Needs a good token, and no permission.',
    },
    document(InstancesDocument),
  )
  app.get(INSTANCES_PATH, { schema: { ...schema, tags: ['Aduana'] } as object }, async (request, reply) => {
    const principal = await identify(request)
    const value = (await listInstances(database)).flatMap((instance) => {
      const permissions = [...permissionsIn(principal, instance)]
      return permissions.length === 0 ? [] : [{ instance, permissions }]
    })
    reply.header('cache-control', 'no-store')
    const { subject, issuer } = principal
    return send(reply, json({ subject, issuer, value, malwareScan: scanner !== undefined }))
  })
}
