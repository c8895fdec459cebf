import assert from 'node:assert/strict'
import { test } from 'node:test'
import { wireVerdict, worstOf } from './verdict.ts'

const signatures = 'ClamAV 1.4.6/27500/Mon Nov 16 09:25:01 2026'

test('on the wire a verdict says on what it rests', () => {
  assert.deepEqual(wireVerdict({ kind: 'Clean', signatures, caveats: [] }), {
    scanResult: 'Success',
    scanDetails: `${signatures} found nothing.`,
  })
  assert.deepEqual(wireVerdict({ kind: 'Infected', name: 'Win.Test.EICAR_HDB-1', signatures }), {
    scanResult: 'Infected',
    scanDetails: `${signatures} found Win.Test.EICAR_HDB-1.`,
  })
  assert.deepEqual(wireVerdict({ kind: 'NotScanned', reason: 'It is too large.', mayRecover: false }), {
    scanResult: 'NotScanned',
    scanDetails: 'It is too large.',
  })
})

test('on the wire a clean verdict says what it leaves open', () => {
  const { scanDetails } = wireVerdict({ kind: 'Clean', signatures, caveats: ['One thing.', 'Another.'] })
  assert.equal(scanDetails, `${signatures} found nothing. One thing. Another.`)
})

test('the verdict over an update is the worst of its files, and none where there is no file', () => {
  assert.equal(worstOf([]), 'NotScanned')
  assert.equal(worstOf(['Success', 'Success']), 'Success')
  assert.equal(worstOf(['Success', 'NotScanned']), 'NotScanned')
  assert.equal(worstOf(['NotScanned', 'Infected', 'Success']), 'Infected')
})
