import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readQuery } from './call.ts'

describe('the query', () => {
  test('has the same options with and without $ and in any letter case', () => {
    const query = { filter: 'f', search: 's', top: '1', skipToken: 't', action: 'import', apiVersion: '2' }
    const plain = { filter: 'f', search: 's', top: '1', skipToken: 't', action: 'import', 'api-version': '2' }
    const dollars = Object.fromEntries(Object.entries(plain).map(([name, value]) => [`$${name}`, value]))
    const capitals = Object.fromEntries(Object.entries(plain).map(([name, value]) => [name.toUpperCase(), value]))
    for (const raw of [plain, dollars, capitals]) assert.deepEqual(readQuery(raw), query)
  })

  test('may have options that nobody knows, even twice and even those that every object has', () => {
    assert.deepEqual(
      readQuery(JSON.parse('{"x":["1","2"],"constructor":["1","2"],"__proto__":"1","toString":"1"}')),
      {},
    )
  })

  for (const raw of [{ filter: ['a', 'b'] }, { filter: 'a', $filter: 'b' }, { top: '1', TOP: '1' }]) {
    test(`${JSON.stringify(raw)} has an option twice, and is refused`, () => {
      assert.throws(() => readQuery(raw), { code: 'InvalidRequest', message: /stands twice/ })
    })
  }
})
