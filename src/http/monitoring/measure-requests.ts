import type { FastifyInstance } from 'fastify'
import type { Metrics } from '../../ports/metrics.ts'
import { CONTENT_PATH } from '../content/content.ts'

/** Counts requests by the templates of their paths, and the downloads of content. */
export function measureRequests(app: FastifyInstance, metrics: Metrics): void {
  app.decorateRequest('dialect', '')
  app.decorateRequest('secondsToAnswer')
  app.addHook('onRequest', (request, reply, done) => {
    if (request.routeOptions.url === CONTENT_PATH && request.method === 'GET') {
      const { socket } = request.raw
      const bytesBefore = socket.bytesWritten
      // A client that goes away ends no answer, but closes it.
      reply.raw.once('close', () => {
        if (reply.statusCode !== 200 && reply.statusCode !== 206) return
        metrics.downloadEnded({
          bytes: socket.bytesWritten - bytesBefore,
          isComplete: reply.raw.writableFinished,
        })
      })
    }
    done()
  })
  app.addHook('onResponse', (request, reply, done) => {
    metrics.requestAnswered({
      route: request.routeOptions.url ?? '',
      method: request.method,
      status: reply.statusCode,
      dialect: request.dialect,
      seconds: request.secondsToAnswer ?? reply.elapsedTime / 1000,
    })
    done()
  })
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The name of the dialect that the request speaks; empty until that is known. */
    dialect: string
    /** Until an answer began that goes on for as long as somebody reads it. */
    secondsToAnswer: number | undefined
  }
}
