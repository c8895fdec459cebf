import { join } from 'node:path'
import type { Logger } from 'pino'
import { openAuditJsonLines } from '../adapters/filesystem/audit-json-lines.ts'
import { openDataFolder } from '../adapters/filesystem/data-folder.ts'
import { openFileWrites } from '../adapters/filesystem/file-writes.ts'
import { openNodeName } from '../adapters/filesystem/node-name.ts'
import { openSmallBlobs } from '../adapters/filesystem/small-blobs.ts'
import { storeTitle } from '../adapters/object-store/store-address.ts'
import { tracedBlobs, tracedCopies, tracedSource } from '../adapters/opentelemetry/traced.ts'
import { measuredBlobs } from '../adapters/prometheus/measured.ts'
import { openPrometheus } from '../adapters/prometheus/open-prometheus.ts'
import { createOwnEndpoints } from '../adapters/source/own-endpoints.ts'
import { createSourcePolicy } from '../adapters/source/source-policy.ts'
import { openSources } from '../adapters/source/sources.ts'
import { lockData } from '../adapters/sqlite/data-lock.ts'
import { openDigestThreads } from '../adapters/threads/digest-threads.ts'
import { checkLocalIssuer } from '../adapters/tokens/local-issuer.ts'
import { openWebhookSender } from '../adapters/webhooks/webhook-sender.ts'
import { distributionStoresOf } from '../config/distribution-settings.ts'
import { serviceLimitsOf } from '../config/limit-settings.ts'
import { clientLimitsOf } from '../config/listening-settings.ts'
import { checkTogether, DEFAULT_INSTANCE, type ServeConfig } from '../config/serve-settings.ts'
import { sourceSettingsOf } from '../config/source-settings.ts'
import { EVERY_INSTANCE } from '../domain/permissions.ts'
import { createHostCheck } from '../http/admission/expected-hosts.ts'
import { listen } from '../http/admission/listeners.ts'
import { createApp } from '../http/app.ts'
import { openPortal, PORTAL_FOLDER } from '../http/pages/portal.ts'
import { createAudit } from '../services/audit.ts'
import { recogniseStore } from '../services/blobs/recognise-store.ts'
import { runCheck } from '../services/checking/run-check.ts'
import { runDeletion } from '../services/deleting/run-deletion.ts'
import { keepDistribution } from '../services/distribution/keep-distribution.ts'
import { keepDelivering } from '../services/events/deliver-webhooks.ts'
import { startHousekeeping } from '../services/housekeeping.ts'
import { runImport } from '../services/importing/run-import.ts'
import { ALONE, join as joinNodes } from '../services/nodes/membership.ts'
import { startRounds } from '../services/nodes/rounds.ts'
import { countEnds } from '../services/operations/count-ends.ts'
import { patientDatabase } from '../services/operations/patient-database.ts'
import { startWorker } from '../services/operations/worker.ts'
import { withStaging } from '../services/staging/staged-source.ts'
import { createStaging } from '../services/staging/staging.ts'
import { countWaitingEvents } from '../store/events/events.ts'
import { countAllDeliveries } from '../store/events/webhook-deliveries.ts'
import { createInstances, listInstances } from '../store/instances.ts'
import { countOperationsInProgress } from '../store/operations/operation-metrics.ts'
import { listPartials } from '../store/operations/progress.ts'
import { VERSION } from '../version.ts'
import { checkDatabase, openDatabase } from './database.ts'
import { openDistribution, readDistribution } from './distribution.ts'
import { openScan } from './scan.ts'
import { shareIssuer } from './shared-identity.ts'
import { openStores } from './store.ts'
import { hostNamesOf, loadTlsOf } from './tls.ts'
import { openTokens } from './tokens.ts'
import { openTracing } from './tracing.ts'

const DAY_MS = 24 * 3600 * 1000
/** How soon a node knows an instance that another one has made. */
const LEARN_EVERY_MS = 5000

export interface Server {
  /** Absent, like the next, on a node that does not answer requests. */
  httpUrl: string | undefined
  httpsUrl: string | undefined
  /** Absent without `--metrics`. */
  metricsUrl: string | undefined
  /** Where a client finds the certificate to trust; absent with own certificates. */
  caPath: string | undefined
  /** Stops taking requests, gives running operations `grace`, parks the rest and closes everything. */
  stop(): Promise<void>
}

/** Builds a running server from its configuration. Read it from top to bottom. */
export async function startServer(config: ServeConfig, log: Logger): Promise<Server> {
  checkTogether(config)
  const folder = config.data
  // Everything that speaks against this folder is found before anything in it is changed.
  await openDataFolder(folder)
  await checkLocalIssuer(folder)
  checkDatabase(config)
  await using closing = new AsyncDisposableStack()

  const lock = await lockData(join(folder, 'lock.db'))
  closing.defer(() => lock.release())

  const { database, bell, isShared, endpoints } = await openDatabase(config, log)
  closing.defer(() => database.close())
  closing.defer(() => bell.close())
  const node = { folder, database }
  if (isShared) await shareIssuer(node)
  await createInstances(database, config.instance.length > 0 ? config.instance : [DEFAULT_INSTANCE])
  const instances = new Set(await listInstances(database))
  const unknown = config['oidc-issuer'].flatMap((issuer) =>
    issuer.instances.filter((name) => name !== EVERY_INSTANCE && !instances.has(name)),
  )
  if (unknown.length > 0) throw new Error(`--oidc-issuer names instances that are not there: ${unknown.join(', ')}.`)

  const nodeName = isShared ? await openNodeName(folder) : undefined
  const own = createOwnEndpoints()
  for (const endpoint of endpoints) own.add(endpoint)
  const traces = await openTracing({ node: nodeName, own, log })
  closing.defer(() => traces?.close())
  const tracing = traces?.tracing
  const { metrics, page: metricsPage } = openPrometheus({ version: VERSION })
  const digests = openDigestThreads()
  closing.defer(() => digests.close())
  const smallBlobs = openSmallBlobs()
  closing.defer(() => smallBlobs.close())
  const fileWrites = openFileWrites()
  closing.defer(() => fileWrites.close())
  const address = config.store ?? { kind: 'folder' as const, path: join(folder, 'blobs') }
  const stores = await openStores(address, {
    readOnly: config['read-store'],
    node: nodeName,
    startDigest: digests.start,
    smallBlobs,
    fileWrites,
  })
  const blobs = tracedBlobs(measuredBlobs(stores.blobs, metrics), tracing)
  await recogniseStore(
    { database, blobs: stores.blobs },
    { title: storeTitle(address), mayMark: config.store !== undefined },
  )
  // The lock says that nobody goes on writing what a process of this node began, but in a bucket that of other nodes lies beside it.
  // Some of it an operation goes on with.
  if (!isShared || address.kind === 'folder') await blobs.dropAbandoned(0, await listPartials(database))
  const { limits: sourceLimits, retry } = sourceSettingsOf(config)
  const source = openSources({ allowed: config['allow-source'], own, limits: sourceLimits, version: VERSION })
  closing.defer(() => source.close())
  const webhookPolicy = createSourcePolicy(config['allow-webhook'], own)

  const tokens = await openTokens(config, { folder, instances, log })
  closing.defer(() => tokens.close())

  const membership =
    nodeName === undefined ? ALONE : await joinNodes(database, { node: nodeName, ...config.run, version: VERSION }, log)
  closing.defer(() => membership.leave())
  if (isShared) {
    const learning = startRounds(
      LEARN_EVERY_MS,
      async () => {
        for (const name of await listInstances(database)) instances.add(name)
      },
      log,
    )
    closing.defer(() => learning.stop())
  }

  const limits = serviceLimitsOf(config)
  const distribution = tracedCopies(
    await openDistribution(distributionStoresOf(config), { startDigest: digests.start }),
    tracing,
  )
  const scan = openScan(config, { own, metrics, tracing, log })
  closing.defer(() => scan.scanner?.close())
  const startWork = () => {
    const worker = startWorker({
      database,
      log,
      tracing,
      workers: () => membership.live().worker,
      run: countEnds(async (operation, signal, log) => {
        const patient = patientDatabase(database, { signal, log })
        if (operation.request.kind === 'delete') {
          return await runDeletion(operation, operation.request.updateId, patient)
        }
        const judging = {
          database: patient,
          blobs,
          openSource: tracedSource(
            withStaging(source.open, { database: patient, blobs, operationId: operation.operationId }),
            tracing,
          ),
          retry,
          startDigest: digests.start,
          limits,
          scan,
          tracing,
          signal,
        }
        if (operation.request.kind === 'check') return await runCheck(operation, operation.request, judging)
        return await runImport(operation, operation.request, {
          ...judging,
          distribution: {
            stores: distribution.map(({ name }) => name),
            required: distribution.filter(({ isRequired }) => isRequired),
          },
        })
      }, metrics),
    })
    bell.onRing(worker.wake)
    return worker
  }
  const worker = config.run.isWorker ? startWork() : undefined
  closing.defer(() => worker?.stop(config.grace))
  if (config.run.isWorker) {
    const house = startHousekeeping({
      database,
      blobs,
      own: stores.own,
      scanner: scan.scanner,
      graceMs: config['sweep-after'],
      stagingKeepMs: config['staging-expiry'],
      eventsKeptMs: config['event-retention'],
      membership,
      log,
    })
    closing.defer(() => house.stop())
    const keeping = keepDistribution({
      stores: distribution,
      checkEveryMs: config['distribute-check'],
      database,
      blobs,
      membership,
      metrics,
      log,
    })
    closing.defer(() => keeping.stop())
    const sender = openWebhookSender({ policy: webhookPolicy, version: VERSION })
    closing.defer(() => sender.close())
    const delivering = keepDelivering({ database, sender, membership, metrics, log })
    closing.defer(() => delivering.stop())
  }

  const auditFile = await openAuditJsonLines(join(folder, 'audit.jsonl'))
  closing.defer(() => auditFile.close())

  const audit = createAudit({ database, file: auditFile, log })
  const staging = createStaging({
    database,
    blobs,
    audit,
    settings: { keepMs: config['staging-expiry'], bytesMax: config['staging-max'] },
  })
  closing.defer(() => staging.stop())

  const portal = config.run.isApi ? await openPortal() : undefined
  if (config.run.isApi && portal === undefined) {
    log.warn({ folder: PORTAL_FOLDER }, 'the portal is not built: "npm ci" in the checkout builds it')
  }
  let isReady = true
  const { fastify, endStreams, ...handlers } = await createApp({
    database,
    blobs,
    staging,
    wake: bell.ring,
    allowsPlainWebhook: webhookPolicy.allowsHost,
    limits,
    nodes: () => membership.live().api,
    scanner: scan.scanner,
    audit,
    metrics,
    tracing,
    metricsPage: metricsPage({
      operations: () => countOperationsInProgress(database),
      connections: () => listeners.connections(),
      distribution: () => readDistribution(database, distribution),
      events: () => countWaitingEvents(database),
      webhooks: () => countAllDeliveries(database),
    }),
    isExpectedHost: createHostCheck(hostNamesOf(config)),
    verify: tokens.verify,
    signIn: tokens.signIn,
    signInOrigins: tokens.signInOrigins,
    redeemLoginCode: tokens.redeemLoginCode,
    hasInstance: (instance) => instances.has(instance),
    isReady: () => isReady,
    publicUrl: config['public-url'],
    distribution,
    describeIssuer: tokens.describeIssuer,
    portal,
    version: VERSION,
    log,
  })
  closing.defer(() => fastify.close())

  const { isApi } = config.run
  const tls = isApi ? await loadTlsOf(config, { node, isShared, log }) : undefined
  const listeners = await listen(handlers, {
    http: isApi ? config.http : undefined,
    https: isApi ? config.https : undefined,
    metrics: config.metrics,
    ...(tls && { tls: { key: tls.keyPem, cert: tls.certPem } }),
    limits: clientLimitsOf(config),
    onRefused: metrics.connectionRefused,
  })
  closing.defer(() => listeners.close(0))
  const { httpUrl, httpsUrl, metricsUrl } = listeners
  for (const url of [httpUrl, httpsUrl, metricsUrl]) if (url !== undefined) own.add({ port: Number(new URL(url).port) })
  if (isApi) {
    const renewing = startRounds(
      DAY_MS,
      async () => {
        const renewed = await loadTlsOf(config, { node, isShared, log })
        listeners.renewTls({ key: renewed.keyPem, cert: renewed.certPem })
      },
      log,
    )
    closing.defer(() => renewing.stop())
  }

  const opened = closing.move()
  return {
    httpUrl,
    httpsUrl,
    metricsUrl,
    caPath: tls?.caPem === undefined ? undefined : join(folder, 'tls', 'ca.pem'),
    async stop() {
      isReady = false
      endStreams()
      await Promise.all([listeners.close(config.grace), staging.stop(), worker?.stop(config.grace)])
      await opened.disposeAsync()
    },
  }
}
