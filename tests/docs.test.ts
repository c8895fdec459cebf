// What the documentation shows is what happens: every `$ aduana …` in it is run, in the order of its page, and its output compared.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmod, cp, glob, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, delimiter, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Command } from 'commander'
import { createProgram } from '../src/cli/main.ts'
import { readRoleAssignments } from '../src/domain/role-assignments.ts'
import { type Aduana, startAduana } from './support/start-aduana.ts'

const ROOT = join(import.meta.dirname, '..')
const PROGRAM = join(ROOT, 'bin/aduana.js')

/** Stands above a block whose commands only a person, or a service outside of this machine, can answer. */
const NOT_RUN = /^<!-- not run by the tests: (?<reason>.+) -->$/

/** How many commands are not run on each page: so none gets lost without a word. */
const NOT_RUN_ON: Record<string, number> = { 'README.md': 1, 'docs/command-line.md': 2 }

/** What differs each time: an id, a moment, and what `…` in the documentation stands for. */
const VARYING: [shown: RegExp, came: string][] = [
  [/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/, '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'],
  [/\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?Z?/, '\\d{4}-\\d\\d-\\d\\d[T ]\\d\\d:\\d\\d(?::\\d\\d)?(?:\\.\\d+)?Z?'],
  [/…/, '[^]*?'],
]

interface Shown {
  line: number
  command: string
  output: string
  /** Why it is not run. */
  reason: string | undefined
}

interface Page {
  path: string
  text: string
  commands: Shown[]
}

const PAGES = await Promise.all(
  ['README.md', ...(await Array.fromAsync(glob('docs/**/*.md', { cwd: ROOT }))).sort()].map(async (path) => {
    const text = await readFile(join(ROOT, path), 'utf8')
    return { path, text, commands: commandsIn(text) }
  }),
)

/** The commands after a `$` in the fenced blocks of a page, with what is shown below them. */
function commandsIn(text: string): Shown[] {
  const commands: Shown[] = []
  let isFenced = false
  let reason: string | undefined
  let current: Shown | undefined
  for (const [at, line] of text.split('\n').entries()) {
    if (line.startsWith('```')) {
      isFenced = !isFenced
      current = undefined
      if (!isFenced) reason = undefined
    } else if (!isFenced) {
      reason = NOT_RUN.exec(line)?.groups?.reason ?? (line === '' ? reason : undefined)
    } else if (line.startsWith('$ ')) {
      current = { line: at + 1, command: line.slice(2), output: '', reason }
      commands.push(current)
    } else if (current?.command.endsWith('\\') && current.output === '') {
      current.command += `\n${line}`
    } else if (current !== undefined) {
      current.output += `${line}\n`
    }
  }
  return commands
}

function patternOf(shown: string): RegExp {
  const anyOfThem = new RegExp(VARYING.map(([{ source }]) => `(?:${source})`).join('|'), 'g')
  let pattern = ''
  let end = 0
  for (const match of shown.matchAll(anyOfThem)) {
    pattern += RegExp.escape(shown.slice(end, match.index))
    pattern += VARYING.find(([each]) => each.test(match[0]))?.[1] ?? ''
    end = match.index + match[0].length
  }
  return new RegExp(`^${pattern}${RegExp.escape(shown.slice(end))}$`)
}

describe('the commands that the documentation shows', { concurrency: 2 }, () => {
  const pages = PAGES.filter(({ commands }) => commands.some(({ reason }) => reason === undefined))
  const instanceOf = (page: Page) => `docs-${basename(page.path, '.md').toLowerCase()}`
  let folder: string
  let server: Aduana
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'aduana-docs-'))
    await mkdir(join(folder, 'bin'))
    for (const [name, skipped] of [
      ['aduana', ''],
      ['npx', 'shift; '],
    ] as const) {
      const path = join(folder, 'bin', name)
      await writeFile(path, `#!/bin/sh\n${skipped}exec "${process.execPath}" "${PROGRAM}" "$@"\n`)
      await chmod(path, 0o755)
    }
    server = await startAduana({ flags: pages.flatMap((page) => ['--instance', instanceOf(page)]) })
  })
  after(async () => {
    await server?.[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  /** Runs a line in a shell that ended the one before with `status`; what it writes comes as on a screen. */
  function run(line: string, { cwd, status, instance }: { cwd: string; status: number; instance: string }) {
    const env = {
      ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('ADUANA_'))),
      PATH: [join(folder, 'bin'), process.env.PATH].join(delimiter),
      ADUANA_SERVER: server.httpUrl,
      ADUANA_DATA: server.folder,
      ADUANA_INSTANCE: instance,
      XDG_STATE_HOME: join(folder, instance, 'state'),
    }
    const script = `exec 2>&1\n(exit ${status})\n${line}`
    return new Promise<{ status: number; output: string }>((resolve, reject) => {
      const child = execFile('sh', ['-c', script], { cwd, env }, (error, output) => {
        if (error !== null && typeof error.code !== 'number') return reject(error)
        const said = output.replaceAll(server.httpUrl, 'http://127.0.0.1:8480').replaceAll(`/${instance}/`, '/default/')
        resolve({ status: Number(error?.code ?? 0), output: said })
      })
      child.stdin?.end()
    })
  }

  for (const page of pages) {
    test(`${page.path} shows what comes`, async () => {
      const instance = instanceOf(page)
      const checkout = join(folder, instance)
      await cp(join(ROOT, 'examples'), join(checkout, 'examples'), { recursive: true })
      const isInExamples = page.text.includes('run in the folder `examples/`')
      const cwd = isInExamples ? join(checkout, 'examples') : checkout
      let status = 0
      for (const [at, { line, command, output, reason }] of page.commands.entries()) {
        if (reason !== undefined) continue
        const place = `${page.path}:${line}: ${command}`
        assert.doesNotMatch(command, /https?:\/\/(?!127\.0\.0\.1)/, `${place} would ask another machine`)
        const came = await run(command, { cwd, status, instance })
        // A differing output is told by a comparison that shows both.
        if (!patternOf(output).test(came.output)) assert.equal(came.output, output, place)
        if (page.commands[at + 1]?.command !== 'echo $?') assert.equal(came.status, 0, place)
        status = came.status
      }
    })
  }
})

test('every command with its output is found, wherever it stands', () => {
  for (const { path, text, commands } of PAGES) {
    assert.equal(commands.length, text.match(/^\s*\$ /gm)?.length ?? 0, path)
  }
})

test('commands that are not run are counted, each with its reason', () => {
  const counts = PAGES.map(({ path, commands }) => [path, commands.filter(({ reason }) => reason).length] as const)
  assert.deepEqual(Object.fromEntries(counts.filter(([, count]) => count > 0)), NOT_RUN_ON)
  const words = PAGES.reduce((sum, { text }) => sum + text.split('not run by the tests').length - 1, 0)
  const lines = PAGES.flatMap(({ text }) => text.split('\n').filter((line) => NOT_RUN.test(line)))
  assert.equal(lines.length, words, 'a mark that is not recognised')
})

test('the role assignments that are shown are read without a mistake', () => {
  const documents = PAGES.flatMap(({ text }) =>
    [...text.matchAll(/^```json\n(.*?)^```$/gms)].map(([, json = '']) => json),
  )
  const shown = documents.filter((json) => json.includes('"assignments":'))
  assert.equal(shown.length, 2)
  for (const json of shown) {
    const named = [...json.matchAll(/"issuer": "(.+)"/g)].map(([, issuer = '']) => issuer)
    const issuers = new Map((named.length > 0 ? named : ['https://id.example']).map((issuer) => [issuer, issuer]))
    const { errors } = readRoleAssignments(Buffer.from(json), { issuers, instances: new Set(['default']) })
    assert.deepEqual(errors, [])
  }
})

describe('the commands and flags that are named', () => {
  const program = createProgram()

  /** What is wrong with a command line: a command or a flag that there is not. */
  function mistakeIn(line: string): string | undefined {
    const words = line.replaceAll(/'[^']*'|"[^"]*"/g, 'TEXT').split(/[\s=[\]|;&()]+/)
    let command: Command | undefined = program
    let depth = 1
    for (; depth < words.length; depth++) {
      const next: Command | undefined = command.commands.find((each) => each.name() === words[depth])
      if (next === undefined) break
      command = next
    }
    if (command === program && /^[a-z]/.test(words[1] ?? '')) return `there is no command ${words[1]}`
    const flags = ['--help', '--version', ...command.options.map(({ long }) => long)]
    const unknown = words.slice(depth).find((word) => /^--[a-z]/.test(word) && !flags.includes(word))
    return unknown === undefined ? undefined : `${command.name()} has no flag ${unknown}`
  }

  test('a flag or a command that there is not is found', () => {
    assert.equal(mistakeIn('aduana imports x'), 'there is no command imports')
    assert.equal(mistakeIn('aduana list --all'), 'list has no flag --all')
    assert.equal(mistakeIn('aduana init apt --provider X'), 'apt has no flag --provider')
    assert.equal(mistakeIn("aduana init --provider X --description 'has --no such flag'"), undefined)
  })

  for (const { path, text } of PAGES) {
    const lines = namedIn(text)
    if (lines.length === 0) continue
    test(`${path} names only what there is`, () => {
      assert.deepEqual(
        lines.flatMap((line) => mistakeIn(line) ?? []),
        [],
      )
    })
  }

  test('so do the examples in the help', () => {
    const lines = everyCommand(program).flatMap((command) => namedIn(helpOf(command)))
    assert.ok(lines.length > 30, `${lines.length} examples`)
    assert.deepEqual(
      lines.flatMap((line) => mistakeIn(line) ?? []),
      [],
    )
  })
})

/** Command lines at the beginning of a line, after `$` or variables, and in backticks; without what is piped and remarked behind them. */
function namedIn(text: string): string[] {
  const joined = text.replaceAll(/\\\n\s*/g, '')
  const own = /(?:^[ \t]*(?:\$ |[A-Z_]+=\S+ )*|`|\$\(|<\()(?:npx )?(aduana [^`#\n|;&)]+)/gm
  return [...joined.matchAll(own)].map((match) => match[1] ?? '')
}

function everyCommand(command: Command): Command[] {
  return [command, ...command.commands.flatMap(everyCommand)]
}

function helpOf(command: Command): string {
  let text = ''
  command.configureOutput({ writeOut: (part) => (text += part) })
  command.outputHelp()
  return text
}
