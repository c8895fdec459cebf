import type { FastifyBaseLogger } from 'fastify'
import type { BlobStore } from '../ports/blob-store.ts'
import type { Scanner } from '../ports/scanner.ts'
import type { Acceptance } from '../services/operations/accept-operation.ts'
import type { ApiRoute } from './calls/call.ts'
import { distributionRoute, type ShownStore } from './distribution/distribution.ts'
import { eventRoutes } from './events/event-routes.ts'
import { webhookRoutes } from './events/webhook-routes.ts'
import { auditRoute } from './instances/audit-route.ts'
import { usageRoute } from './instances/usage-route.ts'
import { ownOperationRoutes } from './operations/own-operation-routes.ts'
import { rescanRoutes } from './scanning/rescan-routes.ts'
import { checkRoute } from './updates/check-route.ts'
import { ownUpdateRoutes } from './updates/own-update-routes.ts'

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
  return [
    ...ownUpdateRoutes(options),
    ...ownOperationRoutes(options),
    checkRoute(options),
    ...eventRoutes(options),
    ...webhookRoutes(options),
    ...rescanRoutes(options),
    distributionRoute(options),
    usageRoute(options),
    auditRoute(options),
  ]
}
