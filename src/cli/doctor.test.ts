import assert from 'node:assert/strict'
import { test } from 'node:test'
import { linesOf, type StepOfReport } from './doctor.ts'

const PLAIN = { isTerminal: false, isColoured: false }

function stepOf(changes: Partial<StepOfReport>): StepOfReport {
  return {
    step: 'blobs',
    title: 'Blobs',
    status: 'problem',
    summary: '3 blobs.',
    findings: [],
    findingsLeftOut: 0,
    mended: [],
    mendedLeftOut: 0,
    ...changes,
  }
}

test('a step is one line with its status as a word, and what was found stands below it', () => {
  const findings = [{ level: 'problem' as const, message: 'One is missing.' }]
  assert.deepEqual(linesOf(stepOf({ findings, mended: [{ message: 'Another is not.' }] }), PLAIN), [
    'problem Blobs          3 blobs.',
    '    mended: Another is not.',
    '    problem: One is missing.',
  ])
})

test('on a terminal the status is a sign, in colour unless colours are unwanted', () => {
  assert.deepEqual(linesOf(stepOf({ status: 'ok' }), { isTerminal: true, isColoured: false }), [
    '✓ Blobs          3 blobs.',
  ])
  const [coloured] = linesOf(stepOf({ status: 'ok' }), { isTerminal: true, isColoured: true })
  assert.equal(coloured, '\u001b[32m✓\u001b[39m Blobs          3 blobs.')
})

test('very many findings are counted, and names in them cannot move the cursor', () => {
  const findings = Array.from({ length: 30 }, () => ({ level: 'warning' as const, message: 'a\u001b[2Jb' }))
  const lines = linesOf(stepOf({ findings, findingsLeftOut: 7 }), PLAIN)
  assert.equal(lines.length, 1 + 20 + 1)
  assert.equal(lines.at(-1), '    and 17 more; --json names them.')
  assert.doesNotMatch(lines.join(''), /\p{Cc}/u)
})
