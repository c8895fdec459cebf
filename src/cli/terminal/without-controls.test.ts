import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withoutControls } from './without-controls.ts'

test('what would move the cursor or turn the text around is shown as what it is', () => {
  assert.equal(withoutControls('a\u001b[2J\u009b1A\r\n\tb'), 'a\\u001b[2J\\u009b1A\\u000d\\u000a\\u0009b')
  assert.equal(withoutControls('exe\u202eqeb.bin\u2066\u200f\u2028'), 'exe\\u202eqeb.bin\\u2066\\u200f\\u2028')
})

test('every other letter stays, and JSON stays the same document', () => {
  assert.equal(withoutControls('ünïcode 漢字 🎉'), 'ünïcode 漢字 🎉')
  const document = { name: 'a\u0085b\u202ec\u2028' }
  assert.deepEqual(JSON.parse(withoutControls(JSON.stringify(document))), document)
})
