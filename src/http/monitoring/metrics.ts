import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { MetricsPage } from '../../ports/metrics.ts'

/** What supervisors ask for. A listener of their own answers nothing else. */
export const SUPERVISED_PATHS: ReadonlySet<string | undefined> = new Set(['/metrics', '/healthz', '/readyz'])

/**
 * For Prometheus, at `/metrics`: what the whole server counts. `admit` throws where the caller must not see it. No rate of requests holds
 * for it, since it is wanted most when the server is busy.
 */
export function serveMetrics(
  app: FastifyInstance,
  { page, admit }: { page: MetricsPage; admit: (request: FastifyRequest) => Promise<void> },
): void {
  app.get('/metrics', { schema: { hide: true } as object, onRequest: admit }, async (_request, reply) =>
    reply
      .type(page.contentType)
      .header('cache-control', 'no-store')
      .send(await page.text()),
  )
}
