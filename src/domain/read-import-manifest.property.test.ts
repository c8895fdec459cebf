import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { bytesOf, type Json, validManifest } from '../../tests/support/import-manifests.ts'
import type { ManifestVersion } from './import-manifest.ts'
import { readImportManifest } from './read-import-manifest.ts'

const VERSIONS: ManifestVersion[] = ['2.0', '3.0', '4.0', '5.0']
const FREE = new Set(['compatibility', 'handlerProperties', 'properties'])

/** Judges that a reading is one: a manifest or mistakes, each with a code, a place and a sentence. */
function assertReading(bytes: Uint8Array): void {
  const begin = process.cpuUsage()
  const { manifest, errors, warnings } = readImportManifest(bytes)
  assert.ok(process.cpuUsage(begin).user < 1_000_000)
  assert.equal(manifest === undefined, errors.length > 0)
  for (const { code, message } of [...errors, ...warnings]) assert.ok(code !== undefined && message.length > 10)
}

test('any bytes are judged, none throw', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.string({ unit: 'binary' }).map((text) => Buffer.from(text)),
  )
  fc.assert(fc.property(bytes, assertReading), { numRuns: 300 })
})

test('any JSON is judged, none throws', () => {
  fc.assert(
    fc.property(fc.json(), (text) => assertReading(Buffer.from(text))),
    { numRuns: 200 },
  )
})

/** A manifest in which one value, anywhere, is replaced by any other. */
const damaged = fc
  .constantFrom(...VERSIONS)
  .chain((version) => {
    const manifest = validManifest(version)
    return fc.record({ manifest: fc.constant(manifest), at: fc.nat(count(manifest) - 1), value: fc.jsonValue() })
  })
  .map(({ manifest, at, value }) => replaced(manifest, { left: at }, value as Json))

function count(value: Json): number {
  return (
    1 +
    (typeof value === 'object' && value !== null
      ? Object.values(value).reduce((sum: number, v) => sum + count(v), 0)
      : 0)
  )
}

function replaced(value: Json, place: { left: number }, by: Json): Json {
  if (place.left-- === 0) return by
  if (Array.isArray(value)) return value.map((item) => replaced(item, place, by))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, replaced(member, place, by)]))
}

test('a manifest with any value anywhere is judged, none throws', () => {
  fc.assert(
    fc.property(damaged, (manifest) => assertReading(bytesOf(manifest))),
    { numRuns: 400 },
  )
})

/** The same manifest with the members in another order and, where it does not matter, in other letter case. */
function disguised(value: Json, random: () => number): Json {
  if (Array.isArray(value)) return value.map((item) => disguised(item, random))
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).map(([name, member]) => {
    const spelled = Array.from(name, (letter) => (random() < 0.5 ? letter.toUpperCase() : letter.toLowerCase())).join(
      '',
    )
    return [spelled, FREE.has(name) ? member : disguised(member, random)] as const
  })
  const shuffled = members.map((member) => ({ member, rank: random() })).toSorted((a, b) => a.rank - b.rank)
  return Object.fromEntries(shuffled.map(({ member }) => member))
}

/** A reading as text, its pointers without the document's own spelling. */
function readingOf(manifest: Json): string {
  const lowered = (name: string, value: Json) => (name === 'pointer' ? String(value).toLowerCase() : value)
  return JSON.stringify(readImportManifest(bytesOf(manifest)), lowered)
}

test('order of members and letter case of known names change nothing', () => {
  const numbers = fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true }))
  fc.assert(
    fc.property(fc.constantFrom(...VERSIONS), numbers, (version, stream) => {
      const manifest = validManifest(version)
      assert.equal(readingOf(disguised(manifest, () => Number(stream.next().value))), readingOf(manifest))
    }),
    { numRuns: 200 },
  )
})
