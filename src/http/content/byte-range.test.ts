import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { readByteRange } from './byte-range.ts'

describe('a Range header', () => {
  const cases: [string | undefined, number, ReturnType<typeof readByteRange>][] = [
    [undefined, 10, undefined],
    ['', 10, undefined],
    ['bytes=0-3', 10, { start: 0, end: 3 }],
    ['bytes=4-', 10, { start: 4, end: 9 }],
    ['bytes=-3', 10, { start: 7, end: 9 }],
    ['bytes=0-99', 10, { start: 0, end: 9 }],
    ['bytes=-99', 10, { start: 0, end: 9 }],
    ['BYTES=0-0', 10, { start: 0, end: 0 }],
    ['bytes= 1 - 2 ', 10, { start: 1, end: 2 }],
    ['bytes=10-', 10, 'unsatisfiable'],
    ['bytes=99-100', 10, 'unsatisfiable'],
    ['bytes=-0', 10, 'unsatisfiable'],
    ['bytes=99999999999999999999-', 10, 'unsatisfiable'],
    ['bytes=3-2', 10, undefined],
    ['bytes=-', 10, undefined],
    ['bytes=0-1,3-4', 10, undefined],
    ['bytes=a-b', 10, undefined],
    ['bytes=1.5-2', 10, undefined],
    ['bytes=--3', 10, undefined],
    ['pages=0-3', 10, undefined],
    ['bytes 0-3', 10, undefined],
  ]
  for (const [header, size, range] of cases) {
    test(`${header} of ${size} bytes is ${JSON.stringify(range) ?? 'the whole file'}`, () => {
      assert.deepEqual(readByteRange(header, size), range)
    })
  }

  test('picks the same bytes as a model that looks at each one', () => {
    const position = fc.option(fc.nat(30), { nil: undefined })
    fc.assert(
      fc.property(position, position, fc.integer({ min: 1, max: 20 }), (first, last, size) => {
        const wanted = Array.from({ length: size }, (_, i) => i).filter((i) => isWanted(i, { first, last, size }))
        const range = readByteRange(`bytes=${first ?? ''}-${last ?? ''}`, size)
        if (range === undefined) {
          assert.ok(
            (first === undefined && last === undefined) || (first !== undefined && last !== undefined && last < first),
          )
        } else if (range === 'unsatisfiable') {
          assert.deepEqual(wanted, [])
        } else {
          assert.deepEqual([range.start, range.end], [wanted[0], wanted.at(-1)])
        }
      }),
    )
  })

  test('never leads outside the file', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 2 ** 31 }), (text, size) => {
        const range = readByteRange(`bytes=${text}`, size)
        if (typeof range === 'object') assert.ok(0 <= range.start && range.start <= range.end && range.end < size)
      }),
    )
  })
})

/** RFC 9110, 14.1.2: from `first` to `last`, both included, or, without `first`, the last `last` bytes. */
function isWanted(
  i: number,
  { first, last, size }: { first: number | undefined; last: number | undefined; size: number },
): boolean {
  if (first === undefined) return i >= size - (last ?? 0)
  return i >= first && i <= (last ?? size)
}
