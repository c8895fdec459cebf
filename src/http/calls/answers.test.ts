import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { entity, json, matches } from './answers.ts'

const ETAG = '"3fed3378-0c67-47d2-b796-296962c66cbb"'

describe('If-None-Match', () => {
  const cases: [string | undefined, boolean][] = [
    [undefined, false],
    ['', false],
    [ETAG, true],
    [`W/${ETAG}`, true],
    ['*', true],
    [` ${ETAG} `, true],
    [`"a", ${ETAG}`, true],
    [`W/"a",W/${ETAG}`, true],
    ['"a", *', true],
    ['"a", "b"', false],
    [ETAG.replaceAll('"', ''), false],
    [ETAG.toUpperCase(), false],
    [`w/${ETAG}`, false],
    [ETAG.slice(0, -1), false],
  ]
  for (const [header, isMatch] of cases) {
    test(`${header} ${isMatch ? 'names' : 'does not name'} the tag`, () => assert.equal(matches(ETAG, header), isMatch))
  }
})

test('an entity is answered with its tag, and with the body only to a caller that does not have it', () => {
  const headers = { 'cache-control': 'max-age=60, private' }
  assert.deepEqual(
    entity(ETAG, undefined, () => ({ a: 1 }), headers),
    { status: 200, headers: { etag: ETAG, ...headers }, body: '{"a":1}' },
  )
  const unused = () => assert.fail('the body was made')
  assert.deepEqual(entity(ETAG, ETAG, unused, headers), { status: 304, headers: { etag: ETAG, ...headers } })
})

test('a document is compact and has no members that are undefined', () => {
  assert.equal(json({ value: [1, 'a'], nextLink: undefined }).body, '{"value":[1,"a"]}')
})
