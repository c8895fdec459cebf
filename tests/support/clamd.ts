import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { EICAR } from '../../src/adapters/clamd/clamd-probes.ts'

/** Settings of clamd.conf(5). */
export type ClamdSettings = Record<string, string | number>

/** A real clamd that lives as long as the test which started it. */
export interface Clamd extends AsyncDisposable {
  /** `clamd:///PATH` */
  socketUrl: string
  /** `clamd://127.0.0.1:PORT` */
  tcpUrl: string
  /** Ends it at once, as a crash would. */
  kill(): Promise<void>
  /** Starts it again at the same addresses, with these settings on top of the usual ones. */
  start(settings?: ClamdSettings): Promise<void>
  /** Holds it up, as a machine that is too busy would. */
  freeze(): void
  /** Makes these bytes known as malware of this name, instead of those that were taught before; `undefined` forgets them. */
  teach(signature: { name: string; bytes: Buffer } | undefined): Promise<void>
  thaw(): void
  log(): Promise<string>
}

/** Where Debian's package `clamav-testfiles` puts them. */
export const TEST_FILES = '/usr/share/clamav-testfiles'

const PROGRAM = ['/usr/sbin', ...(process.env.PATH ?? '').split(delimiter)]
  .map((folder) => join(folder, 'clamd'))
  .find((path) => existsSync(path))

/** Why tests that need a clamd are skipped, or false: fit for the option `skip` of a test. */
export const noClamd: string | false =
  PROGRAM !== undefined && existsSync(TEST_FILES)
    ? false
    : 'needs a clamd and its test files: apt-get install --no-install-recommends clamav-daemon clamav-testfiles'

/** What the test signatures find besides the EICAR file, wherever it stands in a file. */
export const MARKER = Buffer.from('aduana home-made malware marker')
export const NAMES = {
  eicar: 'Test.Eicar.UNOFFICIAL',
  marker: 'Test.Marker.UNOFFICIAL',
  /** The program inside most of the files of `clamav-testfiles`. */
  program: 'Test.Program.UNOFFICIAL',
}

const START_TIMEOUT_MS = 20_000
/** What the tests want of every clamd: limits as high as they go, and alerts about what it did not look into. */
const USUAL: ClamdSettings = {
  StreamMaxLength: '4000M',
  MaxFileSize: '4000M',
  MaxScanSize: '10000M',
  AlertExceedsMax: 'yes',
  AlertEncrypted: 'yes',
}

/**
 * Starts a real clamd in the foreground, with a configuration, signatures and temporary files of its own in a folder of its own.
 * It dies when disposed of, and also with the test process, however that ends.
 */
export async function startClamd(settings: ClamdSettings = {}): Promise<Clamd> {
  if (PROGRAM === undefined || noClamd !== false) throw new Error(String(noClamd))
  const folder = await mkdtemp(join(tmpdir(), 'aduana-clamd-'))
  const socket = join(folder, 'clamd.sock')
  const port = await freePort()
  await mkdir(join(folder, 'signatures'))
  await mkdir(join(folder, 'scratch'))
  await writeFile(
    join(folder, 'signatures', 'test.ndb'),
    `Test.Eicar:0:0:${EICAR.toString('hex')}\nTest.Marker:0:*:${MARKER.toString('hex')}\n`,
  )
  const infected = readFileSync(join(TEST_FILES, 'clam.exe'))
  const md5 = createHash('md5').update(infected).digest('hex')
  await writeFile(join(folder, 'signatures', 'test.hdb'), `${md5}:${infected.length}:Test.Program\n`)

  const program = PROGRAM
  let child: ChildProcess | undefined
  let pid = 0

  async function start(more: ClamdSettings = {}): Promise<void> {
    const all = {
      DatabaseDirectory: join(folder, 'signatures'),
      TemporaryDirectory: join(folder, 'scratch'),
      LogFile: join(folder, 'log'),
      LocalSocket: socket,
      TCPSocket: port,
      TCPAddr: '127.0.0.1',
      Foreground: 'yes',
      ...USUAL,
      ...settings,
      ...more,
    }
    const lines = Object.entries(all).map(([name, value]) => `${name} ${value}\n`)
    await writeFile(join(folder, 'clamd.conf'), lines.join(''))
    // The shell waits for its input to end, which even a killed test process cannot prevent, and takes clamd with it.
    child = spawn(
      'sh',
      [
        '-c',
        '"$@" >/dev/null 2>&1 & echo $!; read -r _; kill -9 $!; wait',
        'sh',
        program,
        '-c',
        join(folder, 'clamd.conf'),
      ],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    )
    for await (const line of createInterface({ input: child.stdout as Readable })) {
      pid = Number(line)
      break
    }
    const deadline = Date.now() + START_TIMEOUT_MS
    while (!(await answers(socket))) {
      if (Date.now() > deadline) {
        await kill()
        throw new Error(`clamd does not answer after ${START_TIMEOUT_MS} ms:\n${await log()}`)
      }
      await sleep(20)
    }
  }

  async function kill(): Promise<void> {
    if (child === undefined) return
    const exit = once(child, 'exit')
    child.stdin?.end()
    await exit
    child = undefined
  }

  /** Sends a command with what belongs to it, and answers the reply. */
  async function ask(command: string, stream = Buffer.alloc(0)): Promise<string> {
    const connection = connect({ path: socket })
    connection.write(Buffer.concat([Buffer.from(`z${command}\0`), stream]))
    return Buffer.concat(await connection.toArray()).toString()
  }

  async function finds(bytes: Buffer): Promise<boolean> {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(bytes.byteLength)
    return (await ask('INSTREAM', Buffer.concat([length, bytes, Buffer.alloc(4)]))).includes('FOUND')
  }

  let taught: Buffer = Buffer.alloc(0)
  async function teach(signature: { name: string; bytes: Buffer } | undefined): Promise<void> {
    const path = join(folder, 'signatures', 'taught.ndb')
    if (signature === undefined) await rm(path, { force: true })
    else await writeFile(path, `${signature.name}:0:*:${signature.bytes.toString('hex')}\n`)
    taught = signature?.bytes ?? taught
    await ask('RELOAD')
    const deadline = Date.now() + START_TIMEOUT_MS
    while ((await finds(taught)) !== (signature !== undefined)) {
      if (Date.now() > deadline) throw new Error(`clamd did not reload in ${START_TIMEOUT_MS} ms:\n${await log()}`)
      await sleep(20)
    }
  }

  const log = () => readFile(join(folder, 'log'), 'utf8').catch(() => 'There is no log.')

  try {
    await start()
  } catch (error) {
    await rm(folder, { recursive: true })
    throw error
  }
  return {
    socketUrl: `clamd://${socket}`,
    tcpUrl: `clamd://127.0.0.1:${port}`,
    kill,
    start,
    teach,
    freeze: () => process.kill(pid, 'SIGSTOP'),
    thaw: () => process.kill(pid, 'SIGCONT'),
    log,
    async [Symbol.asyncDispose]() {
      await kill()
      await rm(folder, { recursive: true })
    },
  }
}

async function answers(path: string): Promise<boolean> {
  const socket = connect({ path })
  try {
    await once(socket, 'connect')
    socket.write('zPING\0')
    const [reply] = await once(socket, 'data')
    return String(reply) === 'PONG\0'
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
