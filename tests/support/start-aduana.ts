import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { type ApiClient, createApiClient } from '../../src/client/api-client.ts'
import { type Container, newContainer } from './new-container.ts'
import { newServerDatabase, type ServerDatabase } from './open-database.ts'

const PROGRAM = new URL('../../bin/aduana.js', import.meta.url).pathname

/** As `npm start` has it. */
const NODE_FLAGS = ['--max-semi-space-size=4']

/** A source of the tests that fails for good need not be waited for. */
const QUICK = ['--source-limit', 'pause=5ms']

export interface Aduana {
  /** Undefined, like the next, for a node with `--run worker`. */
  httpUrl: string
  httpsUrl: string
  folder: string
  /** Its store, where that is none in the data folder. */
  container: Container | undefined
  /** Where its catalogue is, where that is not in the data folder. */
  databaseUrl: string | undefined
  process: ChildProcess
  /** What the server wrote to its log so far. */
  log(): string
  /** A token by `aduana token`, run as its own process. */
  token(...args: string[]): Promise<string>
  client(dialect?: 'v2' | '2021' | '2022', instance?: string): Promise<ApiClient>
  /** Ends the server and waits; the data folder stays until disposal. */
  stop(signal?: NodeJS.Signals): Promise<number | null>
  /** Starts it again on the same data folder. */
  restart(): Promise<Aduana>
  [Symbol.asyncDispose](): Promise<void>
}

export interface AduanaOptions {
  /** Further flags of `aduana serve`. */
  flags?: string[]
  folder?: string
  /** On top of that of the test. */
  env?: NodeJS.ProcessEnv
  /** Where `aduana.js` is, if it is not that of this checkout. */
  program?: string
  /** Whether database and store shall lie in the data folder, also where tests run on others; so it is for a folder that is given. */
  inFolder?: boolean
}

/**
 * Starts the real program as a process of its own, on free ports and a fresh data folder that may fetch from loopback. Where tests run on
 * another database or store, it gets an empty one there, as long as its flags name none.
 */
export async function startAduana({
  flags = ['--allow-source', '127.0.0.0/8'],
  folder,
  inFolder = folder !== undefined,
  ...options
}: AduanaOptions = {}): Promise<Aduana> {
  const isNamed = (flag: string) => inFolder || flags.includes(flag)
  const database = isNamed('--database') ? undefined : await newServerDatabase()
  const container = isNamed('--store') ? undefined : newContainer()
  const elsewhere = [
    ...(database === undefined ? [] : ['--database', database.url]),
    ...(container === undefined ? [] : ['--store', container.address]),
  ]
  const aduana = await start(
    { ...options, ...(folder !== undefined && { folder }), flags: [...flags, ...elsewhere] },
    { database, container },
  )
  // The mark by which a server knows its store.
  await container?.leaveOut()
  return aduana
}

async function start(
  { flags = [], folder, env = {}, program = PROGRAM }: AduanaOptions,
  { database, container }: { database: ServerDatabase | undefined; container: Container | undefined },
): Promise<Aduana> {
  const data = folder ?? (await mkdtemp(join(tmpdir(), 'aduana-e2e-')))
  const args = ['serve', '--data', data, '--http', '127.0.0.1:0', '--https', '127.0.0.1:0', ...QUICK, ...flags]
  const child = spawn(process.execPath, [...NODE_FLAGS, program, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...cleanEnvironment(), ...env },
  })
  // A test that dies must not leave a server behind.
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  let log = ''
  child.stderr.on('data', (chunk) => {
    log += chunk
  })
  const exited = once(child, 'exit').then(([code]) => code as number | null)
  const ready = (async () => {
    for await (const line of createInterface({ input: child.stdout })) {
      if (line === 'ready as a worker') return {} as { httpUrl: string; httpsUrl: string }
      const [word, httpUrl, httpsUrl] = line.split(' ')
      if (word === 'ready' && httpUrl && httpsUrl) return { httpUrl, httpsUrl }
    }
    return undefined
  })()
  const urls = await ready
  if (urls === undefined) {
    process.removeListener('exit', kill)
    throw new Error(`aduana serve ended with ${await exited}: ${log}`)
  }
  child.stdout.resume()

  const token = async (...more: string[]) => {
    const { stdout } = await promisify(execFile)(process.execPath, [program, 'token', '--data', data, ...more], {
      env: cleanEnvironment(),
    })
    return stdout.trim()
  }
  return {
    ...urls,
    folder: data,
    container,
    databaseUrl: database?.url,
    process: child,
    log: () => log,
    token,
    async client(dialect = '2022', instance = 'default') {
      return createApiClient({ baseUrl: urls.httpUrl, token: await token('--instance', instance), instance, dialect })
    },
    async stop(signal = 'SIGTERM') {
      child.kill(signal)
      const code = await exited
      process.removeListener('exit', kill)
      return code
    },
    restart: () => start({ flags, folder: data, env, program }, { database, container }),
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL')
        await exited
      }
      process.removeListener('exit', kill)
      await database?.remove()
      await container?.remove()
      await rm(data, { recursive: true, force: true })
    },
  }
}

function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(ADUANA|OTEL)_/.test(name)))
}
