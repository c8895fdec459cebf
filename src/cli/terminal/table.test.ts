import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTable } from './table.ts'

const PLAIN = { isTerminal: false, isColoured: false, columns: Number.POSITIVE_INFINITY }

function tableOf(rows: string[][], look = PLAIN): string[] {
  const lines: string[] = []
  const table = startTable(['NAME', '>SIZE', 'WORDS'], { print: (line) => lines.push(line), look })
  for (const row of rows) table.add(...row)
  table.end()
  return lines
}

test('columns are aligned, numbers to the right, and nothing stands behind the last one', () => {
  assert.deepEqual(
    tableOf([
      ['a', '1 B', 'x'],
      ['longer', '12 kB', ''],
    ]),
    ['NAME     SIZE  WORDS', 'a         1 B  x', 'longer  12 kB'],
  )
})

test('a narrow terminal has fewer columns, but the first one whole', () => {
  const rows = [['a-name-that-is-copied', '12 kB', 'many words about it']]
  assert.deepEqual(tableOf(rows, { ...PLAIN, columns: 30 }), [
    'NAME                    SIZE',
    'a-name-that-is-copied  12 kB',
  ])
  assert.deepEqual(tableOf(rows, { ...PLAIN, columns: 5 }), ['NAME', 'a-name-that-is-copied'])
})

test('names cannot move the cursor, and an empty table has no head', () => {
  assert.deepEqual(tableOf([['a\u001b[2J', '1 B', 'b\nc']]), [
    'NAME        SIZE  WORDS',
    'a\\u001b[2J   1 B  b\\u000ac',
  ])
  assert.deepEqual(tableOf([]), [])
})

test('an endless list is printed as it comes', () => {
  const lines: string[] = []
  const table = startTable(['NAME'], { print: (line) => lines.push(line), look: PLAIN })
  for (let i = 0; i < 250; i += 1) table.add(`${i}`)
  assert.ok(lines.length >= 200, `${lines.length}`)
  table.end()
  assert.equal(lines.length, 251)
})
