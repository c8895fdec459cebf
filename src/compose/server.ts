import { open } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { openAuditJsonLines } from '../adapters/filesystem/audit-json-lines.ts'
import { openFilesystemBlobs } from '../adapters/filesystem/blobs-filesystem.ts'
import { openDataFolder } from '../adapters/filesystem/data-folder.ts'
import { measuredBlobs } from '../adapters/prometheus/measured.ts'
import { openPrometheus } from '../adapters/prometheus/open-prometheus.ts'
import { createOwnEndpoints } from '../adapters/source/own-endpoints.ts'
import { openHttpSource } from '../adapters/source/source-http.ts'
import { createSourcePolicy } from '../adapters/source/source-policy.ts'
import { checkSqlite } from '../adapters/sqlite/check-sqlite.ts'
import { lockData } from '../adapters/sqlite/data-lock.ts'
import { openSqlite, SQLITE_DIALECT } from '../adapters/sqlite/database-sqlite.ts'
import { openDigestThreads } from '../adapters/threads/digest-threads.ts'
import { checkLocalIssuer } from '../adapters/tokens/local-issuer.ts'
import { serviceLimitsOf } from '../config/limit-settings.ts'
import { clientLimitsOf } from '../config/listening-settings.ts'
import { checkTogether, DEFAULT_INSTANCE, type ServeConfig } from '../config/serve-settings.ts'
import { sourceSettingsOf } from '../config/source-settings.ts'
import { EVERY_INSTANCE } from '../domain/permissions.ts'
import { createApp } from '../http/app.ts'
import { createHostCheck } from '../http/expected-hosts.ts'
import { listen } from '../http/listeners.ts'
import { createAudit } from '../services/audit.ts'
import { countEnds } from '../services/count-ends.ts'
import { rescan } from '../services/rescan.ts'
import { startRounds } from '../services/rounds.ts'
import { runDeletion } from '../services/run-deletion.ts'
import { runImport } from '../services/run-import.ts'
import { sweep, sweepLeftovers } from '../services/sweep.ts'
import { startWorker } from '../services/worker.ts'
import { releaseAllLeases } from '../store/attempts.ts'
import { createInstances, listInstances } from '../store/instances.ts'
import { migrate } from '../store/migrate.ts'
import { countOperationsInProgress } from '../store/operation-metrics.ts'
import { listPartials } from '../store/progress.ts'
import { VERSION } from '../version.ts'
import { openScan } from './scan.ts'
import { hostNamesOf, loadTlsOf } from './tls.ts'
import { openTokens } from './tokens.ts'

const DAY_MS = 24 * 3600 * 1000
/** How soon a rescan begins after it was asked for. A round in which none was is one small query. */
const RESCAN_EVERY_MS = 1000

export interface Server {
  httpUrl: string
  httpsUrl: string
  /** Absent without `--metrics`. */
  metricsUrl: string | undefined
  /** Where a client finds the certificate to trust; absent with own certificates. */
  caPath: string | undefined
  /** Stops taking requests, gives running operations `grace`, parks the rest and closes everything. */
  stop(): Promise<void>
}

/** Builds a running server from its configuration. The only place that knows every implementation; read it from top to bottom. */
export async function startServer(config: ServeConfig, log: Logger): Promise<Server> {
  checkTogether(config)
  const folder = config.data
  const databasePath = join(folder, 'aduana.db')
  // Everything that speaks against this folder is found before anything in it is changed.
  await openDataFolder(folder)
  await checkLocalIssuer(folder)
  checkSqlite(databasePath)
  await using closing = new AsyncDisposableStack()

  const lock = await lockData(join(folder, 'lock.db'))
  closing.defer(() => lock.release())

  await keepToOwner(databasePath)
  const database = openSqlite(databasePath)
  closing.defer(() => database.close())
  await migrate(database, SQLITE_DIALECT)
  // The lock says that no other process is at work, so whatever runs was left by one that died.
  await releaseAllLeases(database)
  await createInstances(database, config.instance.length > 0 ? config.instance : [DEFAULT_INSTANCE])
  const instances = new Set(await listInstances(database))
  const unknown = config['oidc-issuer'].flatMap((issuer) =>
    issuer.instances.filter((name) => name !== EVERY_INSTANCE && !instances.has(name)),
  )
  if (unknown.length > 0) throw new Error(`--oidc-issuer names instances that are not there: ${unknown.join(', ')}.`)

  const { metrics, page: metricsPage } = openPrometheus({ version: VERSION })
  const blobs = measuredBlobs(await openFilesystemBlobs({ folder: join(folder, 'blobs') }), metrics)
  // For the same reason, nobody writes what a dead process began; some of it an operation goes on with.
  await blobs.dropAbandoned(0, await listPartials(database))
  const own = createOwnEndpoints()
  const { limits: sourceLimits, retry } = sourceSettingsOf(config)
  const source = openHttpSource({
    policy: createSourcePolicy(config['allow-source'], own),
    limits: sourceLimits,
    version: VERSION,
  })
  closing.defer(() => source.close())

  const digests = openDigestThreads()
  closing.defer(() => digests.close())

  const tokens = await openTokens(config, { folder, instances, log })
  closing.defer(() => tokens.close())

  const limits = serviceLimitsOf(config)
  const scan = openScan(config, { own, metrics, log })
  closing.defer(() => scan.scanner?.close())
  const worker = startWorker({
    database,
    log,
    run: countEnds(
      (operation, signal) =>
        operation.request.kind === 'import'
          ? runImport(operation, operation.request, {
              database,
              blobs,
              openSource: source.open,
              retry,
              startDigest: digests.start,
              limits,
              scan,
              signal,
            })
          : runDeletion(operation, operation.request.updateId, database),
      metrics,
    ),
  })
  closing.defer(() => worker.stop(config.grace))

  const graceMs = config['sweep-after']
  const sweeping = startRounds(
    Math.min(Math.max(graceMs / 2, 500), 600_000),
    async (signal) => {
      let hasMore = true
      while (hasMore && !signal.aborted) {
        const report = await sweep({ database, blobs }, { graceMs })
        hasMore = report.hasMore
        if (Object.values(report).some(Number)) log.info(report, 'swept')
      }
    },
    log,
  )
  closing.defer(() => sweeping.stop())
  const tidying = startRounds(
    DAY_MS,
    async (signal) => {
      const leftovers = await sweepLeftovers({ database, blobs }, signal)
      if (leftovers > 0) log.info({ leftovers }, 'deleted what a crash left in the store')
    },
    log,
  )
  closing.defer(() => tidying.stop())
  const { scanner } = scan
  if (scanner !== undefined) {
    const rescanning = startRounds(RESCAN_EVERY_MS, (signal) => rescan({ database, blobs, scanner, log }, signal), log)
    closing.defer(() => rescanning.stop())
  }

  const auditFile = await openAuditJsonLines(join(folder, 'audit.jsonl'))
  closing.defer(() => auditFile.close())

  let isReady = true
  const { fastify, ...handlers } = await createApp({
    database,
    blobs,
    wake: worker.wake,
    limits,
    scanner,
    audit: createAudit({ database, file: auditFile, log }),
    metrics,
    metricsPage: metricsPage({
      operations: () => countOperationsInProgress(database),
      connections: () => listeners.connections(),
    }),
    isExpectedHost: createHostCheck(hostNamesOf(config)),
    verify: tokens.verify,
    redeemLoginCode: tokens.redeemLoginCode,
    hasInstance: (instance) => instances.has(instance),
    isReady: () => isReady,
    publicUrl: config['public-url'],
    describeIssuer: tokens.describeIssuer,
    version: VERSION,
    log,
  })
  closing.defer(() => fastify.close())

  const loadCertificates = () => loadTlsOf(config, log)
  const tls = await loadCertificates()
  const listeners = await listen(handlers, {
    http: config.http,
    https: config.https,
    metrics: config.metrics,
    tls: { key: tls.keyPem, cert: tls.certPem },
    limits: clientLimitsOf(config),
    onRefused: metrics.connectionRefused,
  })
  closing.defer(() => listeners.close(0))
  const urls = [listeners.httpUrl, listeners.httpsUrl, ...(listeners.metricsUrl ? [listeners.metricsUrl] : [])]
  for (const url of urls) own.add({ port: Number(new URL(url).port) })
  const renewing = startRounds(
    DAY_MS,
    async () => {
      const renewed = await loadCertificates()
      listeners.renewTls({ key: renewed.keyPem, cert: renewed.certPem })
    },
    log,
  )
  closing.defer(() => renewing.stop())

  const opened = closing.move()
  return {
    httpUrl: listeners.httpUrl,
    httpsUrl: listeners.httpsUrl,
    metricsUrl: listeners.metricsUrl,
    caPath: tls.caPem === undefined ? undefined : join(folder, 'tls', 'ca.pem'),
    async stop() {
      isReady = false
      await Promise.all([listeners.close(config.grace), worker.stop(config.grace)])
      await opened.disposeAsync()
    },
  }
}

/** Requests in the database hold signed URLs: whoever made the data folder, others must not read it. */
async function keepToOwner(path: string): Promise<void> {
  const file = await open(path, 'a', 0o640)
  await file.chmod(0o640)
  await file.close()
}
