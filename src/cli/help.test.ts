// What the help promises: every command has examples, and each of them can be typed.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Command } from 'commander'
import { createProgram } from './main.ts'

const program = createProgram()
const commands = program.commands.filter((command) => command.name() !== 'help')

function helpOf(command: Command): string {
  let text = ''
  command.configureOutput({ writeOut: (part) => (text += part) })
  command.outputHelp()
  return text
}

test('every command has an example in its help', () => {
  const without = commands.filter((command) => !/^ *\$? ?aduana /m.test(helpOf(command)))
  assert.deepEqual(
    without.map((command) => command.name()),
    [],
  )
})

test('every example is a command line that is taken', async () => {
  const lines = commands.flatMap((command) =>
    [...helpOf(command).matchAll(/^ +\$ aduana (.+)$/gm)].map((match) => match[1] ?? ''),
  )
  assert.ok(lines.length > 25, `${lines.length} examples`)
  for (const line of lines) {
    const words = [...line.replace(/ \|.*$/, '').matchAll(/"([^"]*)"|(\S+)/g)].map(
      (match) => match[1] ?? match[2] ?? '',
    )
    const taken = createProgram()
    let ran = ''
    for (const command of taken.commands) {
      command.exitOverride().configureOutput({ writeErr() {} })
      command.action(() => {
        ran = command.name()
      })
    }
    await assert.doesNotReject(taken.parseAsync(words, { from: 'user' }), line)
    assert.equal(ran, words[0], line)
  }
})

test('the help of the program fits a terminal of 80 columns', () => {
  const wide = program
    .configureOutput({ getOutHelpWidth: () => 80 })
    .helpInformation()
    .split('\n')
    .filter((line) => line.length > 80)
  assert.deepEqual(wide, [])
})
