import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import Type from 'typebox'
import { AppError } from '../../domain/errors.ts'
import { cutPage, nextLink, pageToken, pageTokenReader } from './paging.ts'

const read = pageTokenReader(
  Type.Object({ after: Type.String(), filter: Type.Optional(Type.String()) }, { additionalProperties: false }),
)

const refused = { code: 'InvalidRequest', target: 'skipToken' }

describe('a page', () => {
  test('shows no more than its limit, and goes on only where more was found', () => {
    assert.deepEqual(cutPage([1, 2, 3], 2), { shown: [1, 2], last: 2 })
    assert.deepEqual(cutPage([1, 2], 2), { shown: [1, 2], last: undefined })
    assert.deepEqual(cutPage([], 2), { shown: [], last: undefined })
  })

  test('of nothing ends the list', () => {
    assert.deepEqual(cutPage([1], 0), { shown: [], last: undefined })
  })
})

describe('a paging token', () => {
  test('brings back what was put in, whatever that is, in characters that need no escape', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' }), (after, filter) => {
        const state = { after: after.toWellFormed(), filter: filter.toWellFormed() }
        const token = pageToken(state)
        assert.match(token, /^[A-Za-z0-9_-]+$/)
        assert.deepEqual(read(token), state)
      }),
    )
  })

  test('may be absent', () => assert.equal(read(undefined), undefined))

  const garbage = [
    '',
    'nonsense',
    '%',
    'null',
    pageToken([]),
    pageToken({}),
    pageToken({ after: 5 }),
    pageToken({ after: null }),
    pageToken({ after: { $ne: 1 } }),
    pageToken({ after: 'a', filter: {} }),
    pageToken({ after: 'a', other: 1 }),
    Buffer.from('{"after":"a"').toString('base64url'),
    Buffer.from('"after"').toString('base64url'),
  ]
  for (const token of garbage) {
    test(`${JSON.stringify(token)} is refused`, () => assert.throws(() => read(token), refused))
  }

  test('is refused or read, but never anything else, whatever it is', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.base64String(), fc.json().map(btoaUrl)), (token) => {
        try {
          assert.equal(typeof read(token)?.after, 'string')
        } catch (error) {
          assert.ok(error instanceof AppError, String(error))
        }
      }),
    )
  })
})

function btoaUrl(text: string): string {
  return Buffer.from(text).toString('base64url')
}

describe('a next link', () => {
  const path = '/deviceUpdate/default/updates'
  const url = `${path}?$filter=isDeployable%20eq%20true&skipToken=t`

  test('is relative and carries the api-version of the caller', () => {
    assert.equal(
      nextLink({ url, query: { apiVersion: '2031-12-31' } }, { after: 'a' }),
      `${path}?api-version=2031-12-31&skipToken=${pageToken({ after: 'a' })}`,
    )
  })

  test('has no api-version where the caller sent none', () => {
    assert.equal(nextLink({ url, query: {} }, { after: 'a' }), `${path}?skipToken=${pageToken({ after: 'a' })}`)
  })

  test('cannot be broken by what a caller of /v2 sends as api-version', () => {
    const link = nextLink({ url, query: { apiVersion: '{x}&top=0#' } }, { after: 'a' })
    assert.equal(new URL(link, 'http://h').searchParams.get('api-version'), '{x}&top=0#')
    assert.equal(new URL(link, 'http://h').searchParams.get('top'), null)
  })
})
