import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { AppError } from './errors.ts'
import { type JsonNode, quote, readJsonDocument } from './json-document.ts'
import { LIMITS } from './limits.ts'

const read = (text: string | Uint8Array) => {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text
  return readJsonDocument(bytes, { what: 'manifest', bytesMax: 1000 })
}

const failure = (text: string | Uint8Array): AppError => {
  try {
    read(text)
  } catch (error) {
    if (error instanceof AppError) return error
  }
  return assert.fail('it was read')
}

/** What the tree means, in the way of JSON.parse. */
function meaning(node: JsonNode): unknown {
  if (node.type === 'array') return node.items.map(meaning)
  if (node.type === 'object') return Object.fromEntries(node.members.map((member) => [member.name, meaning(member)]))
  return node.value
}

suite('a document that is read', () => {
  test('knows of every value its type, name, pointer, label and place', () => {
    const root = read('{\n  "a/b": [true, {"m~n": "é"}],\n  "": null, "x": 1\n}')
    const [list, empty, number] = root.members
    const [truth, object] = list!.items
    const [text] = object!.members
    assert.deepEqual(
      [root, list, truth, object, text, empty, number].map((node) => [
        node?.type,
        node?.name,
        node?.pointer,
        node?.label,
      ]),
      [
        ['object', '', '', 'The manifest'],
        ['array', 'a/b', '/a~1b', '"a/b"'],
        ['boolean', '', '/a~1b/0', '"a/b"[0]'],
        ['object', '', '/a~1b/1', '"a/b"[1]'],
        ['string', 'm~n', '/a~1b/1/m~0n', '"m~n"'],
        ['null', '', '/', '""'],
        ['number', 'x', '/x', 'x'],
      ],
    )
    assert.equal(list?.position, 'line 2, column 3')
    assert.equal(text?.position, 'line 2, column 18')
    assert.equal(text?.value, 'é')
    assert.deepEqual(root.items, [])
    assert.deepEqual(list?.members, [])
  })

  test('keeps what it was written as', () => {
    const root = read(' { "b" : [ 1e400 , 12345678901234567890 ],\t"a\\u0041 " : " x\\/ y ",\r\n"10":1, "2":-0 } ')
    assert.equal(root.members[0]?.items[0]?.raw, '1e400')
    assert.equal(root.compact().text, '{"b":[1e400,12345678901234567890],"a\\u0041 ":" x\\/ y ","10":1,"2":-0}')
  })

  test('may begin with a byte order mark', () => {
    assert.equal(read('\ufeff5').value, 5)
  })

  test('keeps members that stand twice', () => {
    assert.deepEqual(
      read('{"a":1,"a":2}').members.map(({ value }) => value),
      [1, 2],
    )
  })

  test('may have 64 levels', () => {
    assert.equal(read(`${'['.repeat(64)}${']'.repeat(64)}`).type, 'array')
    assert.equal(read(`{"a":"${'['.repeat(100)}"}`).type, 'object')
  })

  test('means what the parser of the runtime says, to the letter when compacted', () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(4), (text, indent) => {
        const spread = JSON.stringify(JSON.parse(text), null, indent)
        const root = readJsonDocument(Buffer.from(spread), { what: 'manifest', bytesMax: 100_000 })
        assert.deepEqual(meaning(root), JSON.parse(text))
        assert.equal(root.compact().text, JSON.stringify(JSON.parse(text)))
      }),
      { numRuns: 200 },
    )
  })
})

suite('a document that is refused', () => {
  const cases: [string, string | Uint8Array, RegExp][] = [
    ['nothing', '', /is empty/],
    ['only white space', ' \r\n', /is empty/],
    ['a web page', '\n<!DOCTYPE html>', /web page/],
    ['a byte that is not UTF-8', Buffer.from([0x22, 0xff, 0x22]), /not UTF-8 text\. Save it as UTF-8\.$/],
    ['such a byte at the start', Buffer.from([0xff, 0x22]), /Save it as UTF-8\.$/],
    ['half a surrogate pair in UTF-8', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), /not UTF-8/],
    ['the other UTF-16', Buffer.from([0xfe, 0xff, 0, 0x7b, 0, 0x7d]), /UTF-16/],
    ['the UTF-16 of PowerShell', Buffer.from('\ufeff{}', 'utf16le'), /UTF-16.*Out-File/],
    ['a comma that lacks', '{"a": 1\n "b": 2}', /comma expected at line 2, column 2/],
    ['a comma too many', '{"a": 1,}', /property name expected at line 1, column 9/],
    ['a comment', '{} // end', /comment.* at line 1, column 4/],
    ['an end too early', '{"a": [1', /close bracket expected at line 1, column 9/],
    ['something after the end', '{} {}', /end of file expected at line 1, column 4/],
    ['a line break in a text', '{"a": "b\nc"}', /line 1, column 7/],
    ['a leading zero', '[01]', /line 1, column 3/],
    ['an unknown word', '[undefined]', /line 1, column 2/],
    ['a second byte order mark', '\ufeff\ufeff{}', /line 1, column 1/],
  ]
  for (const [name, text, says] of cases) {
    test(name, () => {
      assert.equal(failure(text).code, 'DocumentNotJson')
      assert.match(failure(text).message, says)
    })
  }

  test('65 levels, whatever stands in them', () => {
    assert.equal(failure('['.repeat(65)).code, 'DocumentTooDeep')
    assert.equal(failure('{"a":'.repeat(65)).code, 'DocumentTooDeep')
  })

  test('one byte more than allowed', () => {
    assert.equal(read('1'.padEnd(1000)).value, 1)
    assert.equal(failure('1'.padEnd(1001)).code, 'DocumentTooLarge')
  })

  test('more members and items than allowed, before they are looked at', () => {
    const list = (length: number) =>
      readJsonDocument(Buffer.from(`[${Array(length).fill(0)}]`), { what: 'manifest', bytesMax: 100_000 })
    assert.equal(list(LIMITS.jsonValuesMax).type, 'array')
    assert.throws(() => list(LIMITS.jsonValuesMax + 1), /The manifest has more than 10000 members and items/)
  })
})

test('a text from outside is quoted on one line and cut', () => {
  assert.equal(quote('a"\n\u0000'), '"a\\"\\n\\u0000"')
  assert.equal(quote('x'.repeat(80)), `"${'x'.repeat(80)}"`)
  assert.equal(quote('x'.repeat(81)), `"${'x'.repeat(79)}…"`)
})
