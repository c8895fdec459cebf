import assert from 'node:assert/strict'
import { test } from 'node:test'
import { verdictOn } from './clamd-verdict.ts'

const known = { signatures: 'ClamAV 1.4.6', caveats: ['One thing.'] }

test('only OK is clean, and only the name of a signature is an infection', () => {
  assert.deepEqual(verdictOn({ reply: 'stream: OK' }, known), { kind: 'Clean', ...known })
  for (const name of ['Win.Test.EICAR_HDB-1', 'PUA.Win.Packer.Upx-1', 'Heuristics.Phishing.Email.SpoofedDomain']) {
    const infected = { kind: 'Infected', name, signatures: known.signatures }
    assert.deepEqual(verdictOn({ reply: `stream: ${name} FOUND` }, known), infected)
  }
})

test('what stands in the place of a signature for something not looked into is neither', () => {
  for (const [name, reason, mayRecover] of [
    ['Heuristics.Limits.Exceeded.MaxFileSize', /limit.*MaxFileSize/, false],
    ['Heuristics.Limits.Exceeded.MaxRecursion', /limit.*MaxRecursion/, false],
    ['Heuristics.Limits.Exceeded', /limit/, false],
    ['Heuristics.Limits.Exceeded.MaxScanTime', /in the time that it has/, true],
    ['Heuristics.Encrypted.PDF', /encrypted.*Encrypted\.PDF/, false],
  ] as const) {
    const verdict = verdictOn({ reply: `stream: ${name} FOUND` }, known)
    assert.ok(verdict.kind === 'NotScanned', name)
    assert.match(verdict.reason, reason)
    assert.equal(verdict.mayRecover, mayRecover)
  }
})

test('everything else is not scanned, with what clamd said, fit to be shown', () => {
  for (const [reply, reason, mayRecover] of [
    ['INSTREAM size limit exceeded. ERROR', /size limit/, false],
    ["INSTREAM: Can't write to temporary file. ERROR", /temporary file\. ERROR"/, true],
    ['COMMAND READ TIMED OUT', /READ TIMED OUT/, true],
    ['', /""/, true],
    ['stream: ok', /"stream: ok"/, true],
    ['stream: FOUND', /"stream: FOUND"/, true],
    ['stream: \x1b[31mOK', /"stream: \?\[31mOK"/, true],
    [`stream: OK${' '.repeat(1000)}`, /^.{1,300}$/, true],
  ] as const) {
    const verdict = verdictOn({ reply }, known)
    assert.ok(verdict.kind === 'NotScanned', reply)
    assert.match(verdict.reason, reason)
    assert.equal(verdict.mayRecover, mayRecover, reply)
  }
  const lost = verdictOn({ lost: 'It went away.', isCut: true }, known)
  assert.deepEqual(lost, { kind: 'NotScanned', reason: 'It went away.', mayRecover: true })
})
