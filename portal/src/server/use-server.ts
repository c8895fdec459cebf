import { createContext, useContext } from 'react'
import type { ApiClient } from '../../../src/client/api-client.ts'
import type { Instances } from '../../../src/client/api-types.ts'
import type { Permission } from '../../../src/domain/permissions.ts'

/** The instance that is shown, and what the visitor may do in it. */
export interface Server {
  client: ApiClient
  instance: string
  /** Who is signed in, and where else. */
  instances: Instances
  may(permission: Permission): boolean
}

export const ServerContext = createContext<Server | undefined>(undefined)

export function useServer(): Server {
  const server = useContext(ServerContext)
  if (server === undefined) throw new Error('There is no instance around this component.')
  return server
}
