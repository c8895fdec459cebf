import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatBytes, formatDuration, formatMoment } from './amounts.ts'
import { lookOf } from './look.ts'

const terminal = { isTTY: true, columns: 80 } as NodeJS.WriteStream
const pipe = { isTTY: false } as NodeJS.WriteStream

test('colours are for terminals, and as NO_COLOR and FORCE_COLOR want them', () => {
  const cases: [stream: NodeJS.WriteStream, environment: NodeJS.ProcessEnv, isColoured: boolean][] = [
    [terminal, {}, true],
    [pipe, {}, false],
    [terminal, { TERM: 'dumb' }, false],
    [terminal, { NO_COLOR: '1' }, false],
    [terminal, { NO_COLOR: '' }, true],
    [pipe, { FORCE_COLOR: '1' }, true],
    [terminal, { FORCE_COLOR: '0' }, false],
    [pipe, { FORCE_COLOR: '1', NO_COLOR: '1' }, false],
  ]
  for (const [stream, environment, isColoured] of cases) {
    assert.equal(lookOf(stream, environment).isColoured, isColoured, JSON.stringify(environment))
  }
  assert.equal(lookOf(pipe, {}).columns, Number.POSITIVE_INFINITY)
})

test('amounts have the digits that matter', () => {
  const bytes: [number, string][] = [
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [9949, '9.9 kB'],
    [9951, '10 kB'],
    [999_499, '999 kB'],
    [999_500, '1.0 MB'],
    [2_147_483_648, '2.1 GB'],
  ]
  for (const [amount, text] of bytes) assert.equal(formatBytes(amount), text)
  assert.deepEqual([0.2, 59, 60, 3599.5, 7500].map(formatDuration), [
    '1 s',
    '59 s',
    '1 min 0 s',
    '1 h 0 min',
    '2 h 5 min',
  ])
  assert.match(formatMoment('2026-03-01T14:05:00.0000000Z'), /^2026-0[23]-\d\d \d\d:05$/)
  assert.deepEqual([formatMoment(undefined), formatMoment('never')], ['', ''])
})
