import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'

const PROGRAM = new URL('../../bin/aduana.js', import.meta.url).pathname

const TIMEOUT_MS = 60_000

/** Whatever gives a program a pseudo terminal here: `script` of util-linux, or Python. */
const OPENER = (['script', 'python3'] as const).find((name) => {
  try {
    execFileSync(name, ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
})

/** Why tests that need a terminal are skipped; false where there is one. */
export const NO_TERMINAL: string | false =
  OPENER === undefined && 'neither script (util-linux) nor python3 is installed'

/** Keys as a terminal sends them. */
export const KEYS = { enter: '\r', down: '\u001b[B', ctrlC: '\u0003', clearLine: '\u0015' } as const

export interface TerminalOptions {
  cwd?: string
  /** A file that takes the standard output. */
  redirect?: string
  columns?: number
  rows?: number
  /** On top of that of the test. */
  env?: NodeJS.ProcessEnv
}

/** A program in a terminal of its own, as a person has it. */
export interface Terminal extends AsyncDisposable {
  /** Everything that was written to it so far, with its control sequences. */
  output(): string
  type(keys: string): void
  /** Waits until the screen shows what it has not been waited for yet. */
  until(text: string | RegExp): Promise<void>
  /** Waits until the screen shows a text, then types. */
  answer(question: string, keys: string): Promise<void>
  /** Waits for the end: the exit code, and all that was on the screen without colours. */
  end(): Promise<{ status: number | null; screen: string }>
}

/** Runs `aduana` as a person at a terminal does. */
export function openTerminal(args: readonly string[], options: TerminalOptions = {}): Terminal {
  return openTerminalWith([process.execPath, PROGRAM, ...args], options)
}

/** Runs any program in a terminal of 200 columns, unless told, without the settings of whoever runs the test. */
export function openTerminalWith(
  command: readonly string[],
  { cwd, redirect, columns = 200, rows = 40, env = {} }: TerminalOptions = {},
): Terminal {
  const line = `${command.map(quoted).join(' ')}${redirect === undefined ? '' : ` > ${quoted(redirect)}`}`
  // The shell makes way: it would have an opinion of its own about Ctrl-C.
  const child = open(`stty cols ${columns} rows ${rows}; exec ${line}`, { cwd, env })
  let output = ''
  let seen = 0
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  // Who has ended needs no keys any more.
  child.stdin.on('error', () => {})
  const ended = once(child, 'close')

  async function until(text: string | RegExp): Promise<void> {
    for (const deadline = Date.now() + TIMEOUT_MS; ; await sleep(20)) {
      const isOver = child.exitCode !== null
      const rest = output.slice(seen)
      const match = typeof text === 'string' ? { index: rest.indexOf(text), 0: text } : text.exec(rest)
      if (match !== null && match.index >= 0) {
        seen += match.index + match[0].length
        return
      }
      if (Date.now() > deadline || isOver) {
        child.kill()
        throw new Error(`no ${text} in ${JSON.stringify(output.slice(-3000))}`)
      }
    }
  }

  return {
    output: () => output,
    type: (keys) => void child.stdin.write(keys),
    until,
    async answer(question, keys) {
      await until(question)
      child.stdin.write(keys)
    },
    async end() {
      const [status] = await ended
      return { status, screen: plain(output) }
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
      await ended
    },
  }
}

function open(
  command: string,
  { cwd, env: extra }: { cwd: string | undefined; env: NodeJS.ProcessEnv },
): ChildProcessByStdio<Writable, Readable, null> {
  const own = Object.entries(process.env).filter(([name]) => !/^(ADUANA_.*|CI|NO_COLOR|FORCE_COLOR)$/.test(name))
  const env = { ...Object.fromEntries(own), TERM: 'xterm', SHELL: '/bin/sh', ...extra }
  const python = 'import pty, sys, os; sys.exit(os.waitstatus_to_exitcode(pty.spawn(["sh", "-c", sys.argv[1]])))'
  const [program, ...args] =
    OPENER === 'script' ? ['script', '-qefc', command, '/dev/null'] : ['python3', '-c', python, command]
  return spawn(program as string, args, { cwd, env, stdio: ['pipe', 'pipe', 'inherit'] })
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`
}

function plain(screen: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the controls of a terminal.
  return screen.replaceAll(/\u001b\[[0-9;?]*[A-Za-z]/g, '')
}
