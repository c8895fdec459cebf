/** How much one instance may use. A limit that is absent does not hold. */
export interface ServiceLimits {
  /** Requests a minute on updates, files and single operations together. */
  requests?: number
  /** Requests a minute that list operations. */
  'list-operations'?: number
  /** Imports and deletions that have not ended. */
  operations?: number
  providers?: number
  /** Names under one provider. */
  names?: number
  /** Versions under one provider and name. */
  versions?: number
  updates?: number
  /** The sum of the sizes of all files. */
  bytes?: number
}

export type LimitName = keyof ServiceLimits

export const LIMIT_NAMES: readonly LimitName[] = [
  'requests',
  'list-operations',
  'operations',
  'providers',
  'names',
  'versions',
  'updates',
  'bytes',
]

/**
 * `generous` is for servers of one's own: nothing is rationed, but operations in progress have a bound, since each holds its request.
 * `azure` are the documented limits of the original service (Standard tier).
 */
export const LIMIT_PROFILES: Readonly<Record<'generous' | 'azure', ServiceLimits>> = {
  generous: { operations: 1000 },
  azure: {
    requests: 510,
    'list-operations': 50,
    operations: 10,
    providers: 25,
    names: 25,
    versions: 100,
    updates: 100,
    bytes: 100 * 1024 ** 3,
  },
}
