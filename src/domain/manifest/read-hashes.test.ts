import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Findings } from '../findings.ts'
import { readJsonDocument } from '../json-document.ts'
import { readHashes } from './read-hashes.ts'

function accepts(text: string): boolean {
  const findings = new Findings()
  const document = Buffer.from(JSON.stringify({ sha256: text }))
  readHashes(readJsonDocument(document, { what: 'hashes', bytesMax: 100_000 }), findings)
  return findings.errors().length === 0
}

test('a digest is exactly what standard base64 makes of 32 bytes, whatever the runtime would forgive', () => {
  const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
  const text = fc.oneof(
    bytes(32).map((bytes) => Buffer.from(bytes).toString('base64')),
    bytes(32).map((bytes) => Buffer.from(bytes).toString('base64url')),
    bytes(31).map((bytes) => Buffer.from(bytes).toString('base64')),
    fc.stringMatching(/^[A-Za-z0-9+/_-]{40,44}[= \n]{0,3}$/),
    fc.string({ maxLength: 60 }),
  )
  fc.assert(
    fc.property(text, (text) => {
      const decoded = Buffer.from(text, 'base64')
      assert.equal(accepts(text), decoded.length === 32 && decoded.toString('base64') === text)
    }),
    { numRuns: 500 },
  )
})
