import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readQuery } from './call.ts'

describe('the query', () => {
  test('has the same options with and without $ and in any letter case', () => {
    const query = { filter: 'f', search: 's', top: '1', skipToken: 't', action: 'import', apiVersion: '2' }
    const plain = { filter: 'f', search: 's', top: '1', skipToken: 't', action: 'import', 'api-version': '2' }
    const dollars = Object.fromEntries(Object.entries(plain).map(([name, value]) => [`$${name}`, value]))
    const capitals = Object.fromEntries(Object.entries(plain).map(([name, value]) => [name.toUpperCase(), value]))
    for (const options of [plain, dollars, capitals]) {
      assert.deepEqual(readQuery(String(new URLSearchParams(options))), query)
    }
  })

  test('may have options that nobody knows, even twice and even those that every object has', () => {
    assert.deepEqual(readQuery('x=1&x=2&constructor=1&constructor=2&__proto__=1&toString=1&&='), {})
  })

  test('may be escaped, and may be anything', () => {
    assert.deepEqual(readQuery('%24filter=isDeployable+eq%20true'), { filter: 'isDeployable eq true' })
    assert.deepEqual(readQuery(''), {})
    assert.deepEqual(readQuery('top&search=%zz=%'), { top: '', search: '%zz=%' })
  })

  for (const text of ['filter=a&filter=b', 'filter=a&$filter=b', 'top=1&TOP=1', 'top=&top=']) {
    test(`${text} has an option twice, and is refused each time`, () => {
      for (const _time of ['first', 'second']) {
        assert.throws(() => readQuery(text), { code: 'InvalidRequest', message: /stands twice/ })
      }
    })
  }

  test('is read right however many others were read', () => {
    for (const length of [1, 500]) {
      for (let i = 0; i < 250; i += 1) {
        const search = `${i}`.repeat(length)
        assert.deepEqual(readQuery(`search=${search}`), { search })
        assert.deepEqual(readQuery(`search=${search}`), { search })
      }
    }
  })
})
