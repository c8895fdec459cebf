import { readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import type { ConnectionOptions } from 'node:tls'
import type { ClientConfig } from 'pg'

/** Where a PostgreSQL is, and how to be let in. */
export interface PostgresAddress {
  /** For logs: `postgres://aduana@db.example:5432/aduana`, never with a password. */
  title: string
  /** Where it listens; none for a Unix socket. What callers name must not be fetched from there. */
  endpoints: readonly { host: string; port: number }[]
  /** Complete, so that `pg` finds nothing to look up by itself. */
  config: ClientConfig
}

/** What an address may have behind its question mark: a part of what libpq knows. */
const PARAMETERS = ['application_name', 'host', 'options', 'sslcert', 'sslkey', 'sslmode', 'sslrootcert']

const SSL_MODES = ['disable', 'require', 'verify-ca', 'verify-full'] as const

type Lookup = (parameter: string, variable: string) => string | undefined

/**
 * Reads `postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=verify-full&sslrootcert=FILE`. What is missing comes from `PGHOST`,
 * `PGPASSWORD` and so on, then from the defaults of libpq, but for two: without an `sslmode` connections are not encrypted, and no
 * file in a home folder is looked at. `require` encrypts without looking at the certificate unless there is an `sslrootcert`, as in libpq.
 *
 * Throws an `Error` with a sentence that never has the password in it.
 */
export function readPostgresUrl(text: string, environment: NodeJS.ProcessEnv = process.env): PostgresAddress {
  const url = URL.parse(text)
  if (url === null || !/^postgres(ql)?:$/.test(url.protocol)) {
    throw new Error(
      'The address of the database is no postgres://USER:PASSWORD@HOST:PORT/DATABASE with one host. Special characters are written as %XX.',
    )
  }
  for (const name of url.searchParams.keys()) {
    if (PARAMETERS.includes(name)) continue
    throw new Error(`The address of the database has the parameter ${name}. It may have ${PARAMETERS.join(', ')}.`)
  }
  const look: Lookup = (parameter, variable) => url.searchParams.get(parameter) || environment[variable] || undefined

  const host = decoded(url.hostname.replace(/^\[(.*)\]$/, '$1')) || look('host', 'PGHOST') || 'localhost'
  const port = Number(url.port || environment.PGPORT || 5432)
  const user = decoded(url.username) || environment.PGUSER || userInfo().username
  const password = decoded(url.password) || environment.PGPASSWORD
  const database = decoded(url.pathname.slice(1)) || environment.PGDATABASE || user
  const options = look('options', 'PGOPTIONS')
  if (host.includes(',')) throw new Error('The address of the database names several hosts. Only one can be named.')
  const isSocket = host.startsWith('/')
  const ssl = isSocket ? false : readSsl(look)
  return {
    title: `postgres://${user}@${host.includes(':') ? `[${host}]` : host}:${port}/${database}`,
    endpoints: isSocket ? [] : [{ host, port }],
    config: {
      host,
      port,
      user,
      // A function keeps `pg` from looking for a file of passwords.
      password: () => password ?? '',
      database,
      ssl,
      application_name: look('application_name', 'PGAPPNAME') ?? 'aduana',
      ...(options !== undefined && { options }),
    },
  }
}

function readSsl(look: Lookup): false | ConnectionOptions {
  const mode = look('sslmode', 'PGSSLMODE') ?? 'disable'
  const rootPath = look('sslrootcert', 'PGSSLROOTCERT')
  const certPath = look('sslcert', 'PGSSLCERT')
  const keyPath = look('sslkey', 'PGSSLKEY')
  switch (mode as (typeof SSL_MODES)[number]) {
    case 'disable':
      return false
    case 'require':
    case 'verify-ca':
    case 'verify-full':
      break
    default:
      throw new Error(`The database has sslmode=${mode}. It may be ${SSL_MODES.join(', ')}.`)
  }
  if (mode === 'verify-ca' && rootPath === undefined) {
    throw new Error(
      'The database has sslmode=verify-ca without sslrootcert. Name the file with the certificate, or use verify-full.',
    )
  }
  return {
    rejectUnauthorized: mode !== 'require' || rootPath !== undefined,
    ...(mode !== 'verify-full' && { checkServerIdentity: () => undefined }),
    ...(rootPath !== undefined && { ca: readPem('sslrootcert', rootPath) }),
    ...(certPath !== undefined && { cert: readPem('sslcert', certPath) }),
    ...(keyPath !== undefined && { key: readPem('sslkey', keyPath) }),
  }
}

function readPem(parameter: string, path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new Error(`The file ${path}, which the database has as ${parameter}, cannot be read.`, { cause })
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw new Error('The address of the database has a % that is not followed by two hex digits.')
  }
}
