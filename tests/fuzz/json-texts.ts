import fc from 'fast-check'
import type { Json } from '../support/import-manifests.ts'

/** JSON as it is written: members in their order, also twice the same, and leaves as any text. */
type Tree = { members: [name: string, value: Tree][] } | { items: Tree[] } | { text: string }

/** One thing that is done to a document, at one of its values. */
interface Damage {
  act: 'drop' | 'repeat' | 'rename' | 'replace' | 'fill'
  /** Which value, counted through the document and beyond its end from the beginning again. */
  at: number
  name: string
  text: string
}

const nested = fc
  .record({ depth: fc.oneof(fc.nat(70), fc.nat(3000)), open: fc.constantFrom('[', '{"a":'), isClosed: fc.boolean() })
  .map(({ depth, open, isClosed }) => {
    return open.repeat(depth) + (isClosed ? `1${(open === '[' ? ']' : '}').repeat(depth)}` : '')
  })

const numbers = fc.oneof(
  fc.constantFrom('-0', '0.0', '1e400', '-1e400', '1e-400', '9007199254740993', '2147483649', '1E3', '01', '+1', 'NaN'),
  fc.nat(600).map((length) => `1${'0'.repeat(length)}`),
  fc.double().map(String),
)

const unicode = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 80 }),
  fc.constantFrom(
    '\u0000',
    '\ud800',
    '\udfff\ud800',
    '\u202e',
    '\uffff',
    'ﬁ',
    'İ',
    '\u2028',
    '../../etc/passwd',
    '%00',
  ),
)

const longText = fc.oneof(fc.nat(300), fc.nat(20_000)).map((length) => 'ä'.repeat(length))

/** Texts that get far, since they are right somewhere. */
const telling = fc.constantFrom(
  '1.0',
  '2.0',
  '3.0',
  '4.0',
  '5.0',
  'inline',
  'reference',
  'microsoft/apt:1',
  'microsoft/script:1',
  'toaster.swu',
  'TOASTER.SWU',
  'sha256',
  'https://a.example/x?sig=y',
  'file:///etc/passwd',
  'http://[::1]:1/',
)

/** Any JSON value, and some that are none, as text. */
const jsonLike = fc.oneof(
  fc.json({ maxDepth: 3 }),
  nested,
  numbers,
  fc.oneof(unicode, longText, telling).map((text) => JSON.stringify(text)),
  fc.constantFrom('{}', '[]', 'null', 'true', '""', '{"":null}', '{"__proto__":{"a":1}}', '', '//', "'a'", '\u0000'),
)

const names = fc.oneof(
  unicode,
  fc.constantFrom('__proto__', 'constructor', 'toString', 'sha256', 'SHA256', 'files', 'a/b~c', '$schema', ''),
)

const damage: fc.Arbitrary<Damage> = fc.record({
  act: fc.constantFrom('drop', 'repeat', 'rename', 'replace', 'replace', 'fill'),
  at: fc.nat(200),
  name: fc.oneof(names, fc.constant('=')),
  text: jsonLike,
})

/** Texts of valid documents, of documents with a few things wrong, and of anything else that calls itself JSON. */
export function jsonTexts(documents: fc.Arbitrary<Json>): fc.Arbitrary<string> {
  const damaged = fc.record({ document: documents, damages: fc.array(damage, { maxLength: 4 }) })
  return fc.oneof(
    { weight: 8, arbitrary: damaged.map(({ document, damages }) => textOf(damages.reduce(apply, treeOf(document)))) },
    { weight: 1, arbitrary: jsonLike },
  )
}

/** The bytes of such texts: with other encodings, with cuts and with bytes that belong to no text. */
export function jsonBytes(texts: fc.Arbitrary<string>): fc.Arbitrary<Uint8Array> {
  const wrong = fc.record({ bytes: fc.uint8Array({ maxLength: 12 }), at: fc.nat(2000), isCut: fc.boolean() })
  const utf8 = texts.map((text) => Buffer.from(text))
  return fc.oneof(
    { weight: 12, arbitrary: utf8 },
    { weight: 1, arbitrary: texts.map((text) => Buffer.from(`\ufeff${text}`)) },
    { weight: 1, arbitrary: texts.map((text) => Buffer.from(`\ufeff${text}`, 'utf16le')) },
    {
      weight: 2,
      arbitrary: fc.tuple(utf8, wrong).map(([text, { bytes, at, isCut }]) => {
        const place = at % (text.length + 1)
        return Buffer.concat([text.subarray(0, place), bytes, ...(isCut ? [] : [text.subarray(place)])])
      }),
    },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }) },
  )
}

function treeOf(value: Json): Tree {
  if (Array.isArray(value)) return { items: value.map(treeOf) }
  if (typeof value !== 'object' || value === null) return { text: JSON.stringify(value) }
  return { members: Object.entries(value).map(([name, member]) => [name, treeOf(member)]) }
}

function textOf(tree: Tree): string {
  if ('text' in tree) return tree.text
  if ('items' in tree) return `[${tree.items.map(textOf).join(',')}]`
  return `{${tree.members.map(([name, value]) => `${JSON.stringify(name)}:${textOf(value)}`).join(',')}}`
}

function sizeOf(tree: Tree): number {
  return childrenOf(tree).reduce((sum, child) => sum + sizeOf(child), 1)
}

function childrenOf(tree: Tree): Tree[] {
  if ('text' in tree) return []
  return 'items' in tree ? tree.items : tree.members.map(([, value]) => value)
}

function apply(tree: Tree, { act, at, name, text }: Damage): Tree {
  let left = at % sizeOf(tree)
  if (left === 0 && act !== 'replace') left = 1

  /** What stands in the place of a child: itself, nothing, itself twice. */
  function parts(child: Tree): { child: Tree; isRenamed?: boolean }[] {
    left -= 1
    if (left !== -1) return [{ child: walk(child) }]
    if (act === 'drop') return []
    if (act === 'repeat') return [{ child }, { child, isRenamed: name !== '=' }]
    if (act === 'rename') return [{ child, isRenamed: true }]
    if (act === 'fill') return [{ child: { items: Array.from({ length: text.length % 150 }, () => child) } }]
    return [{ child: { text } }]
  }
  function walk(node: Tree): Tree {
    if (left < 0 || 'text' in node) return node
    if ('items' in node) return { items: node.items.flatMap((item) => parts(item).map(({ child }) => child)) }
    return {
      members: node.members.flatMap(([old, value]) =>
        parts(value).map(({ child, isRenamed }): [string, Tree] => [isRenamed ? renamed(old, name) : old, child]),
      ),
    }
  }
  return left === 0 ? { text } : walk(tree)
}

function renamed(old: string, name: string): string {
  return name === '=' ? old.toUpperCase() : name
}
