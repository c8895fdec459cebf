import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** That of Debian, which has the clients of Azure as a package; another one in the path has other packages. */
const PYTHON = '/usr/bin/python3'
const PACKAGE = '/usr/lib/python3/dist-packages/azure/iot/deviceupdate'
const PROGRAM = join(import.meta.dirname, '../clients/azure_client.py')
/** A client that is lost in a loop says nothing. */
const CALL_TIMEOUT_MS = 60_000

/** Why tests of the true client in Python are skipped, or false: fit for the option `skip` of a test. */
export const noPythonAzure: string | false =
  existsSync(PYTHON) && existsSync(PACKAGE)
    ? false
    : 'needs the true client in Python: apt-get install --no-install-recommends python3-azure'

/** What a call came to: its result, or the error that it raised. */
export type Outcome<T = unknown> =
  | { result: T; scopes: string[]; error?: undefined }
  | { error: string; message: string; status: number | null }

/** `azure.iot.deviceupdate.DeviceUpdateClient` in a process of its own. */
export interface PythonAzure extends AsyncDisposable {
  /** The versions of the client and of what it is built on. */
  versions: { client: string; core: string }
  /** Calls `client.device_update.METHOD(*args, **kwargs)`. */
  call<T>(
    method: string,
    args?: readonly unknown[],
    options?: { kwargs?: object; instance?: string; token?: string },
  ): Promise<Outcome<T>>
}

/** Starts one that speaks to `endpoint` (host and port), with the certificate authority `ca`. */
export async function startPythonAzure({
  endpoint,
  ca,
  token,
}: {
  endpoint: string
  /** Path of a PEM file. */
  ca: string
  token: string
}): Promise<PythonAzure> {
  // -I: neither the environment nor the folder of whoever runs the tests decides what is imported.
  const child = spawn(PYTHON, ['-I', '-W', 'ignore', PROGRAM, endpoint, ca], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH },
  })
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  let complaints = ''
  child.stderr.on('data', (chunk) => {
    complaints += chunk
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()

  async function answer<T>(what: string): Promise<T> {
    const timer = setTimeout(kill, CALL_TIMEOUT_MS)
    const { value, done } = await lines.next()
    clearTimeout(timer)
    if (done) throw new Error(`${what}: the client in Python ended, or did not in ${CALL_TIMEOUT_MS} ms: ${complaints}`)
    return JSON.parse(value) as T
  }

  return {
    versions: await answer('start'),
    call(method, args = [], { kwargs = {}, instance = 'default', token: other = token } = {}) {
      child.stdin.write(`${JSON.stringify({ instance, token: other, method, args, kwargs })}\n`)
      return answer(method)
    },
    async [Symbol.asyncDispose]() {
      process.removeListener('exit', kill)
      const exited = once(child, 'exit')
      kill()
      if (child.exitCode === null && child.signalCode === null) await exited
    },
  }
}
