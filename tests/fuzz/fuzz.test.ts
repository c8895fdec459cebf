// A small part of what scripts/fuzz.ts does; docs/threat-model.md says when that ran last.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fuzz } from './run-fuzz.ts'

test('2,000 hostile inputs get no answer of 500, hang nothing and break nothing', async () => {
  const { outcomes, failure } = await fuzz({ runs: 2000, seed: 20_260_101 })
  assert.equal(failure, undefined)
  // Otherwise the inputs would be too wrong to get far.
  const expected = {
    'import manifest': ['read', 'DocumentNotJson', 'MemberMissing', 'TypeWrong'],
    'import request': ['202', '400'],
    'any request': ['200', '206', '304', '400', '401', '404', '421'],
    'bytes on the wire': ['200', '400', '404'],
    token: ['accepted', 'Unauthenticated'],
  }
  for (const [kind, names] of Object.entries(expected)) {
    const missed = names.filter((name) => outcomes[kind]?.[name] === undefined)
    assert.deepEqual(missed, [], kind)
  }
})
