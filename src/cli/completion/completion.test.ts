import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { KEYS, openTerminalWith } from '../../../tests/support/terminal.ts'
import { createProgram } from '../main.ts'
import { bashCompletion } from './bash.ts'
import { describeCommands } from './describe-commands.ts'
import { fishCompletion } from './fish.ts'
import { zshCompletion } from './zsh.ts'

const folder = mkdtempSync(join(tmpdir(), 'aduana-completion-'))
after(() => rmSync(folder, { recursive: true }))
const commands = describeCommands(createProgram())
for (const [shell, script] of Object.entries({ bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion }))
  writeFileSync(join(folder, `aduana.${shell}`), script(commands))
writeFileSync(join(folder, 'toaster.importmanifest.json'), '{}')

const isThere = (program: string) => spawnSync(program, ['--version']).error === undefined
const CASES: [line: string, answers: string[]][] = [
  ['aduana do', ['doctor', 'download']],
  ['aduana operations --st', ['--status']],
  ['aduana operations --status F', ['Failed']],
  ['aduana token --role DeviceUpdateR', ['DeviceUpdateReader']],
  ['aduana check toa', ['toaster.importmanifest.json']],
  ['aduana completion ', ['bash', 'fish', 'zsh']],
  ['aduana help lo', ['login', 'logout']],
  ['aduana init ', ['apt', 'handlers']],
]

test('bash completes commands, flags, values and files', () => {
  for (const [line, answers] of CASES) {
    const words = line.split(' ')
    const script = `source aduana.bash
      COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}
      _aduana; printf '%s\\n' "\${COMPREPLY[@]}"`
    const found = execFileSync('bash', ['--norc', '-c', script], { cwd: folder, encoding: 'utf8' })
    assert.deepEqual(found.trim().split('\n').sort(), answers, line)
  }
})

test('fish completes commands, flags, values and files', { skip: !isThere('fish') && 'fish is not installed' }, () => {
  for (const [line, answers] of CASES) {
    const found = execFileSync('fish', ['--no-config', '-c', `source aduana.fish; complete -C '${line}'`], {
      cwd: folder,
      encoding: 'utf8',
    })
    const words = found.trim().split('\n')
    assert.deepEqual(words.map((word) => word.split('\t')[0]).sort(), answers, line)
  }
})

test('zsh completes commands, flags and values', { skip: !isThere('zsh') && 'zsh is not installed' }, async () => {
  await using terminal = openTerminalWith(['zsh', '-f', '-i'], { cwd: folder })
  terminal.type("autoload -Uz compinit; compinit -u -D; source ./aduana.zsh; LISTMAX=0; PS1='> '; echo rea''dy\n")
  await terminal.until(/ready/)
  // What is the only answer is put into the line; of several there is a list.
  terminal.type('aduana do\t\t')
  await terminal.until(/doctor[\s\S]*download/)
  terminal.type(`${KEYS.clearLine}aduana operations --status F\t`)
  await terminal.until(/--status Failed/)
  terminal.type(`${KEYS.clearLine}aduana token --role DeviceUpdateR\t`)
  await terminal.until(/--role DeviceUpdateReader/)
  terminal.type(`${KEYS.clearLine}aduana check toa\t`)
  await terminal.until(/toaster\.importmanifest\.json/)
  terminal.type(`${KEYS.clearLine}exit\n`)
  await terminal.end()
})
