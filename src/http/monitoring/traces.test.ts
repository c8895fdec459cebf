import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { traceIdOf } from '../../domain/trace-ids.ts'
import { traceparentOf } from './traces.ts'

const GOOD = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

describe('a traceparent', () => {
  for (const header of [GOOD, GOOD.replace('-01', '-00'), GOOD.replace('00-', 'cc-')]) {
    test(`${header} of the caller is kept`, () => assert.equal(traceparentOf(header), header))
  }

  const bad = [
    undefined,
    '',
    'nonsense',
    GOOD.toUpperCase(),
    GOOD.slice(0, -1),
    `${GOOD}-more`,
    GOOD.replace('00-', 'ff-'),
    GOOD.replace('0af7651916cd43dd8448eb211c80319c', '0'.repeat(32)),
    GOOD.replace('b7ad6b7169203331', '0'.repeat(16)),
    `${GOOD}\r\nx: y`,
    `${GOOD}, ${GOOD}`,
    [GOOD],
  ]
  for (const header of bad) {
    test(`${JSON.stringify(header)} of the caller gives way to a new one`, () => {
      const made = traceparentOf(header)
      assert.match(made, /^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/)
      assert.notEqual(made, traceparentOf(header))
    })
  }

  test('is never made twice', () => {
    const made = Array.from({ length: 2000 }, () => traceparentOf(undefined))
    assert.ok(made.every((traceparent) => traceparentOf(traceparent) === traceparent))
    assert.equal(new Set(made).size, made.length)
    assert.equal(new Set(made.map(traceIdOf)).size, made.length)
  })

  test('has the trace id of the operation in it', () => {
    assert.equal(traceIdOf(GOOD), '0af7651916cd43dd8448eb211c80319c')
  })
})
