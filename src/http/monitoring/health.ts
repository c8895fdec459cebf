import type { FastifyInstance } from 'fastify'
import { AppError } from '../../domain/errors.ts'
import type { Database } from '../../ports/database.ts'
import { probe } from '../route-schemas.ts'

/** For supervisors and load balancers: alive at all, and able to serve. Neither needs a token. */
export function serveHealth(
  app: FastifyInstance,
  { database, isReady }: { database: Database; isReady: () => boolean },
): void {
  app.get('/healthz', { schema: probe('Health_IsAlive', 'The process is alive') }, async (_request, reply) =>
    reply.type('text/plain; charset=utf-8').send('ok\n'),
  )
  app.get('/readyz', { schema: probe('Health_IsReady', 'The server can serve') }, async (_request, reply) => {
    if (!isReady()) throw new AppError('Unavailable', 'The server is stopping.')
    try {
      await database.query('select 1 as ready')
    } catch (error) {
      throw new AppError('Unavailable', 'The database does not answer.', { cause: error })
    }
    return reply.type('text/plain; charset=utf-8').send('ready\n')
  })
}
