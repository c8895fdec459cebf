import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nameMistake } from './file-name.ts'

test('a name that leads elsewhere, or is none, becomes no file', () => {
  for (const name of [
    '',
    '.',
    '..',
    '../x',
    '/etc/passwd',
    'a/b',
    '..\\x',
    'C:\\x',
    'a\0b',
    'a\nb',
    'a\u009bb',
    'é'.repeat(128),
  ])
    assert.ok(nameMistake(name, 'linux') !== undefined, JSON.stringify(name))
})

test('what Windows keeps for itself is refused there, and a file elsewhere', () => {
  for (const name of ['CON', 'nul.swu', 'COM1.txt', 'aux', 'a:b', 'a?', 'a.', 'a ', 'a|b', 'lpt9']) {
    assert.ok(nameMistake(name, 'win32') !== undefined, name)
    assert.equal(nameMistake(name, 'linux'), undefined, name)
  }
})

test('names as updates have them are good everywhere', () => {
  for (const name of ['toaster.swu', '.hidden', 'a b (1).bin', 'ünïcode', 'console.txt', 'com10', '...x'])
    assert.equal(nameMistake(name, 'win32'), undefined, name)
})
