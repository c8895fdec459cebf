import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'

const PROGRAM = new URL('../../bin/aduana.js', import.meta.url).pathname

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
export const KEYS = { enter: '\r', down: '\u001b[B', ctrlC: '\u0003' } as const

export interface Terminal {
  /** Waits until the screen shows a text that it has not waited for yet, then types. */
  answer(question: string, keys: string): Promise<void>
  /** Waits for the end: the exit code, and all that was on the screen without colours. */
  end(): Promise<{ status: number | null; screen: string }>
}

/** Runs `aduana` as a person at a terminal does. `redirect` is a file that takes its standard output. */
export function openTerminal(args: readonly string[], { cwd, redirect }: { cwd: string; redirect?: string }): Terminal {
  const words = [process.execPath, PROGRAM, ...args].map(quoted).join(' ')
  const command = `stty cols 200; ${words}${redirect === undefined ? '' : ` > ${quoted(redirect)}`}`
  const child = open(command, cwd)
  let screen = ''
  let seen = 0
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    screen += text
  })
  const ended = once(child, 'close')
  return {
    async answer(question, keys) {
      const deadline = Date.now() + 30_000
      for (;;) {
        const at = screen.indexOf(question, seen)
        if (at >= 0) {
          seen = at + question.length
          break
        }
        if (Date.now() > deadline || child.exitCode !== null) {
          child.kill()
          throw new Error(`no "${question}" in ${screen}`)
        }
        await sleep(20)
      }
      child.stdin?.write(keys)
    },
    async end() {
      const [status] = await ended
      return { status, screen: plain(screen) }
    },
  }
}

function open(command: string, cwd: string): ChildProcess {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(ADUANA_|CI$)/.test(name)))
  const options = { cwd, env: { ...env, TERM: 'xterm' }, stdio: ['pipe', 'pipe', 'inherit'] as const }
  return OPENER === 'script'
    ? spawn('script', ['-qec', command, '/dev/null'], { ...options, stdio: [...options.stdio] })
    : spawn(
        'python3',
        [
          '-c',
          'import pty, sys, os; sys.exit(os.waitstatus_to_exitcode(pty.spawn(["sh", "-c", sys.argv[1]])))',
          command,
        ],
        { ...options, stdio: [...options.stdio] },
      )
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`
}

function plain(screen: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the controls of a terminal.
  return screen.replaceAll(/\u001b\[[0-9;?]*[A-Za-z]/g, '')
}
