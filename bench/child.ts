import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

/** A peer that runs as long as it is needed. */
export interface Child extends AsyncDisposable {
  pid: number
  process: ChildProcess
}

/** Starts a program that dies with this process at the latest. What it complains about is shown. */
export function startChild(program: string, args: readonly string[]): Child {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  const exited = once(child, 'exit')
  return {
    pid: child.pid ?? 0,
    process: child,
    async [Symbol.asyncDispose]() {
      process.removeListener('exit', kill)
      kill()
      await exited
    },
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

const PATIENCE_MS = 10_000

/** Waits until somebody listens on this port of loopback. */
export async function listening(port: number): Promise<void> {
  for (const deadline = Date.now() + PATIENCE_MS; ; await sleep(20)) {
    const socket = connect({ host: '127.0.0.1', port })
    try {
      await once(socket, 'connect')
      return
    } catch (error) {
      if (Date.now() > deadline) throw error
    } finally {
      socket.destroy()
    }
  }
}

/** Runs a line of shell to its end; one part of a pipe that fails lets the whole fail. */
export async function shell(line: string, env: Record<string, string> = {}): Promise<string> {
  const { stdout } = await promisify(execFile)('bash', ['-o', 'pipefail', '-c', line], {
    env: { ...process.env, ...env },
  })
  return stdout.trim()
}

/** Waits until no dirty page is left: what one measurement wrote must not cost the next. */
export async function settleDisk(): Promise<void> {
  await shell('sync')
}
