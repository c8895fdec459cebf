import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'

const PROGRAM = new URL('../../bin/aduana.js', import.meta.url).pathname

export interface Ended {
  /** Null where a signal ended it. */
  status: number | null
  stdout: string
  stderr: string
}

/**
 * Runs a command of `aduana` to its end, as a process of its own without the settings of whoever runs the test. When `killed` resolves
 * it is ended by SIGKILL; `uid` runs it as somebody else, `cwd` elsewhere, `env` goes on top.
 */
export async function runAduana(
  args: readonly string[],
  {
    killed,
    uid,
    cwd,
    env: extra = {},
  }: { killed?: Promise<unknown>; uid?: number; cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<Ended> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('ADUANA_')))
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...env, ...extra },
    ...(cwd !== undefined && { cwd }),
    ...(uid !== undefined && { uid, gid: uid }),
  })
  const killing = killed?.then(() => child.kill('SIGKILL'))
  const [stdout, stderr, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  await killing
  return { status, stdout, stderr }
}
