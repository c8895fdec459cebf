import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { parseStoreAddress } from '../../src/adapters/object-store/store-address.ts'
import { openPrometheus } from '../../src/adapters/prometheus/open-prometheus.ts'
import { openStore } from '../../src/compose/store.ts'
import type { AuditEntry } from '../../src/domain/audit-entry.ts'
import { AppError } from '../../src/domain/errors.ts'
import { roleNamed } from '../../src/domain/permissions.ts'
import type { ServiceLimits } from '../../src/domain/service-limits.ts'
import { createHostCheck } from '../../src/http/admission/expected-hosts.ts'
import { type App, createApp } from '../../src/http/app.ts'
import type { StreamLimits } from '../../src/http/calls/event-streams.ts'
import type { ShownStore } from '../../src/http/distribution/distribution.ts'
import type { Issuer } from '../../src/http/openapi.ts'
import type { RedeemLoginCode, SignIn } from '../../src/http/pages/login-route.ts'
import type { BuiltPortal } from '../../src/http/pages/portal.ts'
import type { BlobStore } from '../../src/ports/blob-store.ts'
import type { Database } from '../../src/ports/database.ts'
import type { Audit } from '../../src/services/audit.ts'
import { createStaging } from '../../src/services/staging/staging.ts'
import { createInstances } from '../../src/store/instances.ts'
import { countOperationsInProgress } from '../../src/store/operations/operation-metrics.ts'
import { type Answered, ask, type Question } from './ask.ts'
import { newContainer } from './new-container.ts'
import { openDatabase } from './open-database.ts'

export interface AppInMemory {
  database: Database
  blobs: BlobStore
  fastify: App['fastify']
  /** What the audit log was told of refused requests. */
  refusals: readonly AuditEntry[]
  /** Such as `http://127.0.0.1:40123`. */
  url: string
  /** Asks with a token of this role, the administrator's unless told; an empty one asks without a token. */
  ask(path: string, question?: Question & { role?: string }): Promise<Answered>
  /** Takes away what the tokens of a role may do. */
  revoke(role: string): void
  /** As a server does that stops. */
  endStreams(): void
  /** Whether the server takes changes; a test may set it. */
  isReady: boolean
  [Symbol.asyncDispose](): Promise<void>
}

export interface AppInMemoryOptions {
  /** Where every token has its role. */
  instances?: readonly string[]
  /** Instances that are there too, and where no token has a role. */
  closedInstances?: readonly string[]
  issuer?: Issuer
  limits?: ServiceLimits
  publicUrl?: string
  distribution?: readonly ShownStore[]
  redeemLoginCode?: RedeemLoginCode
  signIn?: SignIn
  streams?: Partial<StreamLimits>
  portal?: BuiltPortal | undefined
  signInOrigins?: () => readonly string[]
}

/**
 * The real API on a free loopback port, over an empty database and an empty blob store. No worker runs: operations stay
 * as a test makes them with the functions of `src/store`, and updates come from `seedUpdates`. A bearer token is the name of a role
 * without blanks, such as `DeviceUpdateReader`; `Nobody` is a good token without a role.
 */
export async function startAppInMemory({
  instances = ['default'],
  closedInstances = [],
  issuer = { audience: 'https://api.adu.microsoft.com' },
  limits = {},
  publicUrl,
  distribution,
  redeemLoginCode,
  signIn,
  streams,
  portal,
  signInOrigins = () => [],
}: AppInMemoryOptions = {}): Promise<AppInMemory> {
  const folder = await mkdtemp(join(tmpdir(), 'aduana-app-'))
  const container = newContainer()
  const blobs = await openStore(parseStoreAddress(container?.address ?? folder), {})
  const database = await openDatabase()
  await createInstances(database, [...instances, ...closedInstances])

  const revoked = new Set<string>()
  const refusals: AuditEntry[] = []
  const audit: Audit = {
    async recorded() {},
    async refused(entry) {
      refusals.push(entry)
    },
  }
  const { metrics, page } = openPrometheus({ version: '0.0.0' })
  const app: Pick<AppInMemory, 'isReady'> = { isReady: true }
  const { handler, fastify, endStreams } = await createApp({
    database,
    blobs,
    staging: createStaging({ database, blobs, audit }),
    wake() {},
    limits,
    audit,
    metrics,
    metricsPage: page({
      operations: () => countOperationsInProgress(database),
      connections: async () => new Map(),
      distribution: async () => [],
      events: async () => ({ count: 0, oldestAgeMs: 0 }),
      webhooks: async () => ({ waiting: 0, failed: 0 }),
    }),
    isExpectedHost: createHostCheck([]),
    verify(token) {
      const role = revoked.has(token) ? undefined : roleNamed(token)
      if (role === undefined && token !== 'Nobody') throw new AppError('Unauthenticated', 'The token is no good.')
      const grants = role === undefined ? [] : instances.map((instance) => ({ role, instance }))
      return { subject: token === 'DeviceUpdateAdministrator' ? 'tester' : token, issuer: 'urn:tests', grants }
    },
    redeemLoginCode,
    signIn,
    streams,
    hasInstance: (instance) => instances.includes(instance) || closedInstances.includes(instance),
    isReady: () => app.isReady,
    publicUrl,
    distribution,
    describeIssuer: () => issuer,
    portal,
    signInOrigins,
    version: '0.0.0',
    log: pino({ level: 'silent' }),
  })
  const server = createServer(handler).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  return Object.assign(app, {
    database,
    blobs,
    refusals,
    fastify,
    url,
    endStreams,
    revoke: (role: string) => revoked.add(role),
    ask(
      path: string,
      { role = 'DeviceUpdateAdministrator', headers = {}, ...question }: Question & { role?: string } = {},
    ) {
      return ask(url, path, {
        ...question,
        headers: { ...(role !== '' && { authorization: `Bearer ${role}` }), ...headers },
      })
    },
    async [Symbol.asyncDispose]() {
      endStreams()
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
      await fastify.close()
      await database.close()
      await container?.remove()
      await rm(folder, { recursive: true, force: true })
    },
  })
}
