import { openStateFile } from '../state-file.ts'

/** Who is signed in at a server, and how to go on being so. */
export interface Login {
  issuer: string
  clientId: string
  tokenEndpoint: string
  revocationEndpoint?: string
  accessToken: string
  /** Milliseconds since 1970. */
  expiresAt: number
  refreshToken?: string
}

export interface Logins {
  find(server: string): Promise<Login | undefined>
  /** Replaces what is known about a server by what `change` answers, or forgets it; one process at a time. */
  change(
    server: string,
    change: (login: Login | undefined) => Promise<Login | undefined> | Login | undefined,
  ): Promise<Login | undefined>
}

/** The logins that the user of this machine has, by the origin of the server. */
export function openLogins(folder?: string): Logins {
  const file = openStateFile<Login>('logins.json', folder)
  return {
    find: async (server) => (await file.read())[server],
    change: (server, change) =>
      file.change(async (entries) => {
        const login = await change(entries[server])
        if (login === undefined) delete entries[server]
        else entries[server] = login
        return login
      }),
  }
}
