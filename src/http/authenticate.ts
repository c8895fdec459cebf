import type { FastifyRequest } from 'fastify'
import { AppError } from '../domain/errors.ts'
import type { Permission, Principal } from '../domain/permissions.ts'
import { permissionsIn } from '../domain/permissions.ts'
import type { Caller } from '../services/accept-operation.ts'
import { traceIdOf } from './traces.ts'

/**
 * Who a bearer token speaks for. Answers at once for a token that it has seen before. Throws `AppError('Unauthenticated')`,
 * `AppError('PermissionMissing')` where the token lacks a scope, and `AppError('Unavailable')` where the issuer's keys cannot be had.
 */
export type VerifyToken = (token: string) => Principal | Promise<Principal>

/**
 * Finds out who calls and whether they may. Throws `AppError('Unauthenticated')` without a good token, `AppError('NotFound')` where the
 * caller has no role in the instance, which is also the answer where there is no such instance, and `AppError('PermissionMissing')`
 * where none of the roles there has the permission.
 */
export async function authenticate(
  request: FastifyRequest,
  permission: Permission,
  { verify, hasInstance }: { verify: VerifyToken; hasInstance: (instance: string) => boolean },
): Promise<Caller> {
  const [, token] = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '') ?? []
  if (token === undefined) {
    throw new AppError('Unauthenticated', 'The request has no bearer token.', { target: 'authorization' })
  }
  const verified = verify(token)
  const principal = verified instanceof Promise ? await verified : verified

  const { instanceId = '' } = request.params as { instanceId?: string }
  const permissions = hasInstance(instanceId) ? permissionsIn(principal, instanceId) : new Set<Permission>()
  if (permissions.size === 0) throw new AppError('NotFound', 'There is no such instance, or you have no role in it.')
  if (!permissions.has(permission)) {
    throw new AppError('PermissionMissing', `Your roles in this instance do not have the permission ${permission}.`, {
      target: permission,
    })
  }
  return { subject: principal.subject, traceId: traceIdOf(request.traceparent) }
}
