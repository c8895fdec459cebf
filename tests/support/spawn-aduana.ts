import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'

const PROGRAM = new URL('../../bin/aduana.js', import.meta.url).pathname

/** A server process from its first instant on: it can be killed before it is ready. */
export interface SpawnedAduana {
  process: ChildProcess
  /** Where it listens; undefined if it ended before it did. */
  ready: Promise<{ httpUrl: string; httpsUrl: string } | undefined>
  exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  /** What it wrote to its log so far. */
  log(): string
}

/**
 * Starts `aduana serve` on free ports, and without the settings of whoever runs the test. `launcher` is a command that starts
 * another one in the same process, such as `prlimit` with its arguments.
 */
export function spawnAduana({
  folder,
  flags = ['--allow-source', '127.0.0.0/8'],
  launcher = [],
  env = {},
}: {
  folder: string
  flags?: readonly string[]
  launcher?: readonly string[]
  /** On top of that of the test. */
  env?: NodeJS.ProcessEnv
}): SpawnedAduana {
  const serve = ['serve', '--data', folder, '--http', '127.0.0.1:0', '--https', '127.0.0.1:0', ...flags]
  const [command = process.execPath, ...args] = [...launcher, process.execPath, PROGRAM, ...serve]
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...ownEnvironment(), ...env } })
  // A test that dies must not leave a server behind.
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  let log = ''
  child.stderr.on('data', (chunk) => {
    log += chunk
  })
  const exited = once(child, 'close').then(([code, signal]) => {
    process.removeListener('exit', kill)
    return { code, signal }
  })
  const ready = (async () => {
    try {
      for await (const line of createInterface({ input: child.stdout })) {
        const [word, httpUrl, httpsUrl] = line.split(' ')
        if (word === 'ready' && httpUrl && httpsUrl) return { httpUrl, httpsUrl }
      }
      return undefined
    } finally {
      child.stdout.resume()
    }
  })()
  return { process: child, ready, exited, log: () => log }
}

/** A token by `aduana token`, run as its own process. */
export async function askToken({
  folder,
  flags = [],
  launcher = [],
}: {
  folder: string
  flags?: readonly string[]
  launcher?: readonly string[]
}): Promise<string> {
  const ask = ['token', '--data', folder, ...flags]
  const [command = process.execPath, ...args] = [...launcher, process.execPath, PROGRAM, ...ask]
  const { stdout } = await promisify(execFile)(command, args, { env: ownEnvironment() })
  return stdout.trim()
}

function ownEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(ADUANA|OTEL)_/.test(name)))
}
