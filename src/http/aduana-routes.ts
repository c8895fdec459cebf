import type { FastifyBaseLogger } from 'fastify'
import { Compile } from 'typebox/compile'
import { AppError } from '../domain/errors.ts'
import type { JsonValue } from '../domain/json-text.ts'
import { wireTime } from '../domain/times.ts'
import type { BlobStore } from '../ports/blob-store.ts'
import type { Scanner } from '../ports/scanner.ts'
import type { Acceptance } from '../services/operations/accept-operation.ts'
import { acceptRescan } from '../services/scanning/accept-rescan.ts'
import { rescanProgress } from '../services/scanning/rescan-progress.ts'
import { json } from './calls/answers.ts'
import type { ApiRoute } from './calls/call.ts'
import { distributionRoute, type ShownStore } from './distribution/distribution.ts'
import { eventRoutes } from './events/event-routes.ts'
import { webhookRoutes } from './events/webhook-routes.ts'
import { auditRoute } from './instances/audit-route.ts'
import { usageRoute } from './instances/usage-route.ts'
import { ownOperationRoutes } from './operations/own-operation-routes.ts'
import { acceptedWith, describe, document } from './route-schemas.ts'
import { Rescan, RescanInput } from './schemas.ts'
import { checkRoute } from './updates/check-route.ts'
import { ownUpdateRoutes } from './updates/own-update-routes.ts'

const rescanInput = Compile(RescanInput)

/** Aduana's own additions. They never live inside the paths of the original service, whose documents keep their exact members. */
export function aduanaRoutes(
  options: Acceptance & {
    blobs: BlobStore
    scanner?: Scanner | undefined
    publicUrl: string | undefined
    distribution?: readonly ShownStore[] | undefined
    log: FastifyBaseLogger
    allowsPlainWebhook?: ((url: URL) => boolean) | undefined
  },
): ApiRoute[] {
  const { database, audit, scanner } = options

  async function rescanOf(instance: string): Promise<JsonValue> {
    const progress = await rescanProgress({ database, scanner }, instance)
    if (progress === undefined) throw new AppError('NotFound', 'No rescan was asked for in this instance.')
    const { wantedAt, endedAt, total, remaining, infected, notScanned, infectedUpdates, problems } = progress
    return {
      wantedDateTime: wireTime(wantedAt),
      ...(endedAt !== undefined && { endedDateTime: wireTime(endedAt) }),
      total,
      remaining,
      infected,
      notScanned,
      infectedUpdates: infectedUpdates.map((updateId) => ({ ...updateId })),
      problems,
    }
  }

  return [
    ...ownUpdateRoutes(options),
    ...ownOperationRoutes(options),
    checkRoute(options),
    ...eventRoutes(options),
    ...webhookRoutes(options),
    {
      method: 'POST',
      path: '/rescan',
      permission: 'updates/write',
      schema: describe(
        {
          operationId: 'Aduana_Rescan',
          summary: 'Scan for malware again',
          description:
            'Everything in the instance, or only what has no verdict of the signatures now in force. Content goes on being served ' +
            'meanwhile; once found infected, it is withdrawn and its updates are marked.',
        },
        acceptedWith(Rescan, { body: RescanInput }),
      ),
      async handle({ instance, body, caller }) {
        await acceptRescan({ database, audit, scanner }, { instance, everything: readEverything(body), caller })
        return { ...json(await rescanOf(instance)), status: 202 }
      },
    },
    {
      method: 'GET',
      path: '/rescan',
      permission: 'updates/read',
      schema: describe(
        { operationId: 'Aduana_GetRescan', summary: 'Get the progress of the last rescan' },
        document(Rescan),
      ),
      handle: async ({ instance }) => json(await rescanOf(instance)),
    },
    distributionRoute(options),
    usageRoute(options),
    auditRoute(options),
  ]
}

function readEverything(body: unknown): boolean {
  if (body === undefined) return false
  const [error] = rescanInput.Errors(body)
  if (error !== undefined) {
    throw new AppError('InvalidRequest', `${error.instancePath || 'the body'} ${error.message}.`, {
      target: error.instancePath,
    })
  }
  return (body as { everything?: boolean }).everything ?? false
}
