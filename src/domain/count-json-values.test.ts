import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countJsonValues } from './count-json-values.ts'

const count = (text: string, max = 1000) => countJsonValues(Buffer.from(text), max)

test('members and items are counted, at every depth', () => {
  assert.equal(count('5'), 0)
  assert.equal(count('[1, 2, 3]'), 3)
  assert.equal(count('{"a": 1, "b": [1, 2]}'), 4)
  assert.equal(count('[[[[1]]]]'), 4)
})

test('what stands in a string is no member, whatever is escaped there', () => {
  assert.equal(count('["a,b,c", "[{,"]'), 2)
  assert.equal(count(String.raw`["\",,,", "\\", 1]`), 3)
  assert.equal(count('{"a,b": "c,d"}'), 1)
})

test('it goes no further than asked, and through what is no JSON', () => {
  assert.equal(count('['.repeat(1000), 10), 11)
  assert.equal(count('"\\'), 0)
  assert.equal(count('}},"'), 1)
})
