import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'
import {
  FileV2,
  Operation,
  OperationV2,
  OperationWithProgress,
  Problem,
  Update,
  UpdateFile,
  UpdateV2,
  UpdateWithContent,
} from './schemas.ts'

/** Who gives out tokens, for the description. */
export interface Issuer {
  /** The endpoints of an external issuer; absent for the local one, whose tokens come from `aduana token`. */
  oauth?: { authorizationUrl: string; tokenUrl: string }
  audience: string
}

/** Describes the API at `/openapi.json`, from the same schemas that validate, with pages for people at `/docs`. */
export async function describeApi(
  app: FastifyInstance,
  { issuer, version }: { issuer: Issuer; version: string },
): Promise<void> {
  for (const schema of [
    Update,
    UpdateV2,
    UpdateFile,
    FileV2,
    Operation,
    OperationV2,
    Problem,
    UpdateWithContent,
    OperationWithProgress,
  ]) {
    app.addSchema(schema)
  }
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Aduana',
        version,
        description:
          'The import side of Azure Device Update for IoT Hub, self-hosted. Every path works in any letter case.',
      },
      components: { securitySchemes: securitySchemes(issuer) },
      security: [{ bearer: [] }, ...(issuer.oauth ? [{ oauth2: [] }] : [])],
    },
    refResolver: { buildLocalReference: (json, _base, _fragment, index) => String(json.$id ?? `schema-${index}`) },
  })
  app.get('/openapi.json', { schema: { hide: true } as object }, async (_request, reply) =>
    reply.type('application/json; charset=utf-8').send(JSON.stringify(app.swagger())),
  )
  await app.register(swaggerUi, { routePrefix: '/docs', staticCSP: true })
}

/** Scopes as clients of the original service ask for them (import schema 4.0, OAuth authorization). */
function securitySchemes({ oauth, audience }: Issuer) {
  const delegated = { [`${audience}/user_impersonation`]: 'act for the signed-in user' }
  const application = { [`${audience}/.default`]: 'act as an application' }
  return {
    bearer: {
      type: 'http' as const,
      scheme: 'bearer',
      bearerFormat: 'JWT',
      description: 'On the machine of the server: `aduana token`.',
    },
    ...(oauth && {
      oauth2: {
        type: 'oauth2' as const,
        flows: {
          implicit: { authorizationUrl: oauth.authorizationUrl, scopes: delegated },
          authorizationCode: { ...oauth, scopes: delegated },
          clientCredentials: { tokenUrl: oauth.tokenUrl, scopes: application },
          password: { tokenUrl: oauth.tokenUrl, scopes: delegated },
        },
      },
    }),
  }
}
