import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { formatUpdateId, normaliseVersion, sameUpdate, versionKey, versionOrder } from './update-id.ts'

const PART_MAX = 2_147_483_647
const RUNS = { numRuns: 100 }

const parts = fc.array(fc.oneof(fc.nat(3), fc.nat(PART_MAX), fc.constantFrom(0, PART_MAX - 1, PART_MAX)), {
  minLength: 2,
  maxLength: 4,
})
const zeros = fc.array(fc.nat(5), { minLength: 4, maxLength: 4 })

/** Below 0 if `a` is older; a part that is missing is older than 0. */
function compareParts(a: readonly number[], b: readonly number[]): number {
  const differences = [0, 1, 2, 3].map((i) => (a[i] ?? -1) - (b[i] ?? -1))
  return differences.find((difference) => difference !== 0) ?? 0
}

suite('a version', () => {
  test('loses leading zeros and nothing else', () => {
    const written = (numbers: number[], pads: number[]) =>
      numbers.map((n, i) => `${'0'.repeat(pads[i] ?? 0)}${n}`).join('.')
    fc.assert(
      fc.property(parts, zeros, (numbers, pads) => {
        assert.equal(normaliseVersion(written(numbers, pads)), numbers.join('.'))
      }),
      RUNS,
    )
  })

  test('that was normalised stays as it is', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9.]{1,20}$/), (text) => {
        const version = normaliseVersion(text)
        fc.pre(version !== undefined)
        assert.equal(normaliseVersion(version), version)
      }),
      RUNS,
    )
  })

  test('is nothing but two to four numbers', () => {
    const wrong = [
      '',
      '1',
      '1.',
      '.1',
      '1..2',
      '1.2.3.4.5',
      '1.2147483648',
      '-1.0',
      '1.0 ',
      '1.0\n',
      '+1.0',
      '1e3.0',
      '١.٢',
      'v1.0',
    ]
    for (const text of wrong) assert.equal(normaliseVersion(text), undefined, JSON.stringify(text))
    assert.equal(normaliseVersion('2147483647.0.00.000'), '2147483647.0.0.0')
  })

  test('is found by its order, however it is written; what is no version is never found', () => {
    fc.assert(
      fc.property(parts, zeros, (numbers, pads) => {
        const written = numbers.map((n, i) => `${'0'.repeat(pads[i] ?? 0)}${n}`).join('.')
        assert.equal(versionKey(written), versionOrder(numbers.join('.')))
      }),
      RUNS,
    )
    for (const text of ['', '1', '1..2', '1.2.3.4.5', '1.2147483648', '1.0 ']) assert.equal(versionKey(text), undefined)
  })

  test('has the order that is stored', () => {
    assert.equal(versionOrder('1.0'), '2147483646214748364721474836482147483648')
    assert.equal(versionOrder('2147483647.1.22.333'), '0000000000214748364621474836252147483314')
  })

  test('sorts as text in the order of its numbers, the newest first', () => {
    fc.assert(
      fc.property(parts, parts, (a, b) => {
        const [first, second] = [versionOrder(a.join('.')), versionOrder(b.join('.'))]
        const order = first < second ? 1 : first > second ? -1 : 0
        assert.equal(order, Math.sign(compareParts(a, b)))
      }),
      RUNS,
    )
  })

  test('sorts the same way whichever order a list comes in', () => {
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 8 }), (versions) => {
        const sorted = versions.toSorted((a, b) => compareParts(b, a)).map((version) => version.join('.'))
        const byText = versions
          .map((version) => version.join('.'))
          .toSorted((a, b) => (versionOrder(a) < versionOrder(b) ? -1 : 1))
        assert.deepEqual(byText, sorted)
      }),
      RUNS,
    )
  })

  test('with a part more is newer', () => {
    const newestFirst = ['10.0', '2.0.0.0', '2.0.0', '2.0', '1.10', '1.9.9', '1.9']
    assert.deepEqual(
      newestFirst.toReversed().toSorted((a, b) => (versionOrder(a) < versionOrder(b) ? -1 : 1)),
      newestFirst,
    )
  })
})

suite('an identity', () => {
  test('is the same in any letter case', () => {
    const toaster = { provider: 'Contoso', name: 'Toaster', version: '1.0' }
    assert.equal(sameUpdate(toaster, { ...toaster, name: 'TOASTER' }), true)
    assert.equal(sameUpdate(toaster, { ...toaster, version: '1.0.0' }), false)
    assert.equal(formatUpdateId(toaster), 'Contoso/Toaster/1.0')
  })
})
