import { createHash } from 'node:crypto'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import Type from 'typebox'
import { Compile } from 'typebox/compile'
import type { AuditEntry } from '../../domain/audit-entry.ts'
import type { ErrorCode } from '../../domain/error-codes.ts'
import { AppError } from '../../domain/errors.ts'
import { wireTime } from '../../domain/times.ts'
import { traceIdOf } from '../../domain/trace-ids.ts'
import type { Database } from '../../ports/database.ts'
import type { Audit } from '../../services/audit.ts'
import { insertAudit } from '../../store/audit.ts'
import { createRateLimiter } from '../admission/rate-limits.ts'
import { json } from '../calls/answers.ts'
import { send } from '../calls/call.ts'
import { describe, document } from '../route-schemas.ts'

/** Where the page of a login link exchanges its code. */
export const LOGIN_PATH = '/aduana/v1/login'

/** How people get tokens for this server. */
export interface SignIn {
  /** Whether tokens of `aduana token` and links of `aduana link` are good here. */
  localIssuer: boolean
  /** The issuer at which people sign in, and what a public client has to ask it for. */
  oidc?: { issuer: string; clientId: string; scope: string }
}

/** What a code was exchanged for. */
export interface SignedIn {
  accessToken: string
  /** Milliseconds since 1970. */
  expiresAt: number
  subject: string
  issuer: string
  role: string
  instances: readonly string[]
}

/** Exchanges the code of a login link for a token, once. Undefined where the code is unknown, expired or was used before. */
export type RedeemLoginCode = (code: string) => Promise<SignedIn | undefined>

/** Nobody guesses 256 bits; this bounds what guessing costs the server. */
const TRIES_A_MINUTE = 60

/** Many addresses share a bucket, so that no number of them takes more memory than these. */
const RATE_BUCKETS = 1024

const Login = Type.Object(
  { code: Type.String({ maxLength: 256, description: 'What stands behind `#code=` in the link of `aduana link`.' }) },
  { title: 'Login', description: 'The code of a login link.' },
)

const LoginToken = Type.Object(
  {
    accessToken: Type.String({ description: 'A bearer token of the local issuer.' }),
    expiresOn: Type.String({ format: 'date-time', description: 'When the token ends.' }),
  },
  { title: 'LoginToken', description: 'What the code was exchanged for. There is no second time.' },
)

export const SignInDocument = Type.Object(
  {
    localIssuer: Type.Boolean({
      description: 'Whether tokens of `aduana token` and links of `aduana link` are good here.',
    }),
    oidc: Type.Optional(
      Type.Object(
        {
          issuer: Type.String({ format: 'uri', description: 'Describes itself by OpenID Connect Discovery 1.0.' }),
          clientId: Type.String({ description: 'A public client: one without a secret.' }),
          scope: Type.String({ description: 'What to ask for, divided by spaces.' }),
        },
        { description: 'Absent where nobody can sign in at an issuer of somebody else.' },
      ),
    ),
  },
  { title: 'SignIn', description: 'How people get a token.' },
)

const login = Compile(Login)

/** Tells the portal and `aduana login`, before anybody has a token, where to get one. All of it is known to whoever signs in. */
export function serveSignIn(app: FastifyInstance, signIn: SignIn): void {
  const schema = describe(
    {
      operationId: 'Aduana_GetSignIn',
      summary: 'Tell how to get a token',
      description:
        'For clients that sign people in: with PKCE in a browser, or with a device code (RFC 8628) as `aduana login` does.',
    },
    document(SignInDocument),
  )
  const { localIssuer, oidc } = signIn
  app.get(LOGIN_PATH, { schema: { ...schema, tags: ['Aduana'], security: [] } as object }, async (_request, reply) =>
    send(reply, json({ localIssuer, ...(oidc && { oidc: { ...oidc } }) })),
  )
}

/**
 * Serves the exchange of a login link's code for a token, without a token. Pages of other sites cannot ask for it: a
 * body that is declared as JSON makes a browser ask for leave beforehand, which is never given, and a browser that says
 * where a request comes from is believed.
 */
export function serveLogin(
  app: FastifyInstance,
  {
    redeemLoginCode,
    database,
    audit,
    isReady,
  }: { redeemLoginCode: RedeemLoginCode | undefined; database: Database; audit: Audit; isReady: () => boolean },
): void {
  const rates = createRateLimiter({ requests: TRIES_A_MINUTE })
  const schema = describe(
    {
      operationId: 'Aduana_Login',
      summary: 'Exchange the code of a login link for a token',
      description: 'For the page that `aduana link` leads to. A code is good once, for ten minutes after it was made.',
    },
    { ...document(LoginToken), body: Login },
  )

  async function refuse(request: FastifyRequest, code: ErrorCode, message: string): Promise<never> {
    await audit.refused({ action: 'refused', instance: '', ...cameFrom(request), code, target: 'sign-in' })
    throw new AppError(code, message)
  }

  app.route({
    method: 'POST',
    url: LOGIN_PATH,
    schema: { ...schema, tags: ['Aduana'], security: [] } as object,
    async onRequest(request) {
      // First, or a page elsewhere could use up the tries of its visitors.
      if ((request.headers['sec-fetch-site'] ?? 'same-origin') !== 'same-origin') {
        await refuse(request, 'CrossSiteRequest', 'Only a page of this server may exchange the code of a login link.')
      }
      const retryAfterSeconds = rates.take(bucketOf(request.ip), 'requests')
      if (retryAfterSeconds !== undefined) {
        throw new AppError('TooManyRequests', 'Too many codes were tried.', { retryAfterSeconds })
      }
      if (!isReady()) throw new AppError('Unavailable', 'The server is stopping.')
    },
    async handler(request, reply) {
      if (redeemLoginCode === undefined) {
        throw new AppError('NotFound', 'This server takes no login links, since its local issuer is off.')
      }
      const signedIn = await redeemLoginCode(codeIn(request.body))
      if (signedIn === undefined) {
        return refuse(
          request,
          'LoginCodeRefused',
          'The login link is unknown, older than ten minutes, or was used before.',
        )
      }
      const { accessToken, expiresAt, subject, issuer, role, instances } = signedIn
      const entries = instances.map((instance): AuditEntry => {
        return { action: 'sign-in', instance, subject, issuer, ...cameFrom(request), target: role }
      })
      await database.batch(entries.map(insertAudit))
      for (const entry of entries) await audit.recorded(entry)
      reply.header('cache-control', 'no-store')
      return send(reply, json({ accessToken, expiresOn: wireTime(expiresAt) }))
    },
  })
}

function cameFrom(request: FastifyRequest): Pick<AuditEntry, 'address' | 'traceId'> {
  return { address: request.ip, traceId: traceIdOf(request.traceparent) }
}

function bucketOf(address: string): string {
  return String(createHash('sha256').update(address).digest().readUInt32BE() % RATE_BUCKETS)
}

function codeIn(body: unknown): string {
  const [error] = login.Errors(body)
  if (error !== undefined) {
    throw new AppError('InvalidRequest', `${error.instancePath || 'the body'} ${error.message}.`, {
      target: error.instancePath,
    })
  }
  return (body as { code: string }).code
}
