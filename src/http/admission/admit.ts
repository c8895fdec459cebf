import type { FastifyRequest } from 'fastify'
import type { Caller } from '../../domain/caller.ts'
import { AppError } from '../../domain/errors.ts'
import { EVERY_INSTANCE, type Permission, type Principal, permissionsIn } from '../../domain/permissions.ts'
import { traceIdOf } from '../../domain/trace-ids.ts'
import type { Audit } from '../../services/audit.ts'
import type { RateGroup, RateLimiter } from './rate-limits.ts'

/**
 * Who a bearer token speaks for. Answers at once for a token that it has seen before. Throws `AppError('Unauthenticated')`,
 * `AppError('PermissionMissing')` where the token lacks a scope, and `AppError('Unavailable')` where the issuer's keys cannot be had.
 */
export type VerifyToken = (token: string) => Principal | Promise<Principal>

export interface Gate {
  verify: VerifyToken
  hasInstance: (instance: string) => boolean
  rates: RateLimiter
  audit: Audit
}

/**
 * Lets a request in, and answers who calls: at once for a token that was seen before. Throws, or rejects with,
 * `AppError('Unauthenticated')` without a good token; `AppError('NotFound')` where the caller has no role in the
 * instance, which is also the answer where there is no such instance; `AppError('PermissionMissing')` where none of the
 * roles there has the permission; and `AppError('TooManyRequests')`. Refusals for want of a role go into the audit log.
 */
export function admit(
  request: FastifyRequest,
  { permission, rateGroup }: { permission: Permission; rateGroup: RateGroup },
  gate: Gate,
): Caller | Promise<Caller> {
  const { instanceId: instance = '' } = request.params as { instanceId?: string }
  const count = (caller: Caller) => {
    const retryAfterSeconds = gate.rates.take(instance, rateGroup)
    if (retryAfterSeconds === undefined) return caller
    throw new AppError('TooManyRequests', 'The instance has used up its rate of requests.', { retryAfterSeconds })
  }
  const recognised = recognise(request, { instance, permission }, gate, (principal) =>
    authorise(principal, { instance: gate.hasInstance(instance) ? instance : undefined, permission }),
  )
  return recognised instanceof Promise ? recognised.then(count) : count(recognised)
}

/**
 * Whether who was let in would be let in again, such as after the token has expired. Counts against no rate, and is not
 * told to the audit.
 */
export async function mayStill(request: FastifyRequest, permission: Permission, gate: Gate): Promise<boolean> {
  const { instanceId: instance = '' } = request.params as { instanceId?: string }
  try {
    return permissionsIn(await identify(request, gate.verify), instance).has(permission)
  } catch {
    return false
  }
}

/**
 * Lets a request in that is about the whole server, for a caller who has the permission in any instance. Throws as `admit` does, but
 * counts against no rate.
 */
export async function admitAnywhere(request: FastifyRequest, permission: Permission, gate: Gate): Promise<void> {
  await recognise(request, { instance: '', permission }, gate, ({ grants }) => {
    const mayAnywhere = grants.some(
      ({ role, instance }) =>
        role.permissions.has(permission) && (instance === EVERY_INSTANCE || gate.hasInstance(instance)),
    )
    if (mayAnywhere) return
    throw new AppError('PermissionMissing', `You have the permission ${permission} in no instance.`, {
      target: permission,
    })
  })
}

/** Lets in whoever has a good token, and answers whose it is. Throws `AppError('Unauthenticated')`; counts against no rate. */
export async function admitAnybody(request: FastifyRequest, gate: Gate): Promise<Principal> {
  let known: Principal | undefined
  await recognise(request, { instance: '', permission: 'instances' }, gate, (principal) => {
    known = principal
  })
  if (known === undefined) throw new Error('nobody was recognised')
  return known
}

/** Who calls, if `authorise` does not throw; at once for a token that is known. What is refused goes into the audit log. */
function recognise(
  request: FastifyRequest,
  { instance, permission }: { instance: string; permission: Permission | 'instances' },
  gate: Gate,
  authorise: (principal: Principal) => void,
): Caller | Promise<Caller> {
  const caller: Caller = {
    subject: '',
    issuer: '',
    address: request.ip,
    traceId: traceIdOf(request.traceparent),
    traceparent: request.span?.traceparent ?? request.traceparent,
  }
  const enter = (principal: Principal) => {
    caller.subject = principal.subject
    caller.issuer = principal.issuer
    authorise(principal)
    return caller
  }
  const refuse = async (error: unknown): Promise<never> => {
    if (error instanceof AppError && error.code !== 'Unavailable') {
      await gate.audit.refused({
        action: 'refused',
        // The name of an instance is asked for by anybody, so any length may come.
        instance: instance.slice(0, 64),
        ...(caller.subject !== '' && { subject: caller.subject, issuer: caller.issuer }),
        address: caller.address,
        traceId: caller.traceId,
        code: error.code,
        target: `${request.method} ${permission}`,
      })
    }
    throw error
  }
  try {
    const principal = identify(request, gate.verify)
    return principal instanceof Promise ? principal.then(enter).catch(refuse) : enter(principal)
  } catch (error) {
    return refuse(error)
  }
}

function identify(request: FastifyRequest, verify: VerifyToken): Principal | Promise<Principal> {
  const [, token] = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '') ?? []
  if (token === undefined) {
    throw new AppError('Unauthenticated', 'The request has no bearer token.', { target: 'authorization' })
  }
  return verify(token)
}

function authorise(
  principal: Principal,
  { instance, permission }: { instance: string | undefined; permission: Permission },
): void {
  const permissions = instance === undefined ? NOTHING : permissionsIn(principal, instance)
  if (permissions.size === 0) throw new AppError('NotFound', 'There is no such instance, or you have no role in it.')
  if (!permissions.has(permission)) {
    throw new AppError('PermissionMissing', `Your roles in this instance do not have the permission ${permission}.`, {
      target: permission,
    })
  }
}

const NOTHING: ReadonlySet<Permission> = new Set()
