import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'
import Type, { type TSchema } from 'typebox'
import { INSTANCE_NAME } from '../domain/instance-name.ts'
import { WEBHOOK_NAME } from '../domain/webhook.ts'
import { COMPONENTS } from './documents.ts'
import { LOGIN_SCRIPT } from './pages/login-script.ts'

/** Who gives out tokens, for the description. */
export interface Issuer {
  /** The endpoints of an external issuer; absent for the local one, whose tokens come from `aduana token`. */
  oauth?: { authorizationUrl: string; tokenUrl: string }
  audience: string
}

const TAGS = [
  { name: 'Updates', description: 'The import side of Device Update: 2021-06-01-preview, 2022-10-01 and later.' },
  { name: 'Updates (v2, 2020-09-01)', description: 'The same in the form of the private preview.' },
  { name: 'Aduana', description: "Aduana's own additions." },
  { name: 'Content', description: 'Imported bytes, for devices.' },
  { name: 'Health', description: 'For supervisors and load balancers.' },
]

/** What stands in paths. */
const PARAMETERS: Readonly<Record<string, TSchema>> = {
  instanceId: Type.String({ pattern: INSTANCE_NAME.source, description: 'A separate catalogue with its own updates.' }),
  provider: Type.String({ description: 'Who made the update. Letter case makes no difference.' }),
  name: Type.String({ description: 'What the update is for. Letter case makes no difference.' }),
  version: Type.String({ description: 'Two to four numbers, divided by dots.' }),
  fileId: Type.String({ description: 'As List Files answers it.' }),
  operationId: Type.String({ maxLength: 256, description: 'The last part of the path in Operation-Location.' }),
  uploadId: Type.String({ pattern: '^[0-9a-f]{32}$', description: 'The last part of the address of the upload.' }),
  contentId: Type.String({ pattern: '^[0-9a-f]{32}$', description: 'The unguessable part of the address.' }),
  webhook: Type.String({ pattern: WEBHOOK_NAME.source, description: 'The name of the webhook.' }),
  eventId: Type.String({ description: 'The id of an event.' }),
  fileName: Type.String({ description: 'The name of the file. Letter case makes no difference.' }),
}

const API_VERSION = Type.Optional(
  Type.String({
    default: '2022-10-01',
    description:
      'A date: 2021-06-01-preview, 2022-07-01-preview, 2022-10-01 or any later one; or 2 for the form of v2.',
  }),
)

/** An empty picture: the page is ours, not the framework's. */
const NO_LOGO = { type: 'image/svg+xml', content: Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>') }

/** Describes the API at `/openapi.json`, from the same schemas that validate, with pages for people at `/docs`. */
export async function describeApi(
  app: FastifyInstance,
  {
    describeIssuer,
    version,
    publicUrl,
  }: { describeIssuer: () => Issuer; version: string; publicUrl: string | undefined },
): Promise<void> {
  for (const schema of COMPONENTS) app.addSchema(schema)
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Aduana',
        version,
        description:
          'The import side of Azure Device Update for IoT Hub, self-hosted. Paths match in any letter case, names of query ' +
          'options with or without `$`, and names of members in request bodies in any letter case.',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: publicUrl ?? '/' }],
      tags: TAGS,
    },
    transform: ({ schema, url }) => ({
      // The router knows no verb behind a parameter, so it is part of that.
      url: url.replace(/:eventId$/, '{eventId}::retry'),
      schema: schema?.hide ? schema : withParameters(schema, url),
    }),
    refResolver: { buildLocalReference: (json, _base, _fragment, index) => String(json.$id ?? `schema-${index}`) },
  })
  // Asked for each time: an issuer that was down at start tells its addresses later.
  const withIssuer = (document: object) => {
    const issuer = describeIssuer()
    return {
      ...document,
      components: {
        ...('components' in document && (document.components as object)),
        securitySchemes: securitySchemes(issuer),
      },
      security: [{ bearer: [] }, ...(issuer.oauth ? [{ oauth2: [] }] : [])],
    }
  }
  app.get('/openapi.json', { schema: { hide: true } as object }, async (_request, reply) =>
    reply.type('application/json; charset=utf-8').send(JSON.stringify(withIssuer(app.swagger()))),
  )
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    transformSpecification: withIssuer,
    // The page of a server on a closed network asks nobody else for anything.
    // The token of whoever signs in stays in the memory of the page.
    uiConfig: { validatorUrl: null, persistAuthorization: false },
    logo: NO_LOGO,
    theme: { title: 'Aduana', js: [{ filename: 'login.js', content: LOGIN_SCRIPT }] },
    staticCSP: true,
    // On plain http this would make a browser ask for the page's own scripts by https, where nobody listens.
    transformStaticCSP: (header) => header.replace(/ *upgrade-insecure-requests;?/, ''),
  })
}

/** Adds to a route's description what its path says: the parameters in it, and whether there is an `api-version`. */
function withParameters<Schema extends { querystring?: unknown } | undefined>(schema: Schema, url: string) {
  const names = [...url.matchAll(/(?<!:):(\w+)/g)].flatMap(([, name = '']) => (name in PARAMETERS ? [name] : []))
  const hasVersion = url.startsWith('/deviceUpdate/') && !url.includes('/v2/')
  const { properties = {} } = (schema?.querystring ?? {}) as { properties?: Record<string, TSchema> }
  return {
    ...schema,
    ...(names.length > 0 && {
      params: Type.Object(Object.fromEntries(names.map((name) => [name, PARAMETERS[name]!]))),
    }),
    ...(hasVersion && { querystring: Type.Object({ ...properties, 'api-version': API_VERSION }) }),
  } as Schema
}

/** Scopes as clients of the original service ask for them (import schema 4.0, OAuth authorization). */
function securitySchemes({ oauth, audience: given }: Issuer) {
  const audience = given.replace(/\/$/, '')
  const delegated = { [`${audience}/user_impersonation`]: 'act for the signed-in user' }
  const application = { [`${audience}/.default`]: 'act as an application' }
  return {
    bearer: {
      type: 'http' as const,
      scheme: 'bearer',
      bearerFormat: 'JWT',
      description:
        'On the machine of the server: `aduana token`; or `aduana link`, whose code this page takes as well as the portal.',
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
