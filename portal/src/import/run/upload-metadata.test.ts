import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readFileName } from '../../../../src/domain/staged-upload.ts'
import { tellsDigest, writeMetadata } from './upload-metadata.ts'

const sha256 = 'pmWkWSBCL51Bfkhn79xPuKBKHz//H6B+mY6G9/eieuM='

for (const [name, kept] of [
  ['toaster.swu', 'toaster.swu'],
  ['Größe, 大きさ.swu', 'Größe, 大きさ.swu'],
  ['a\nb\u0000.swu', 'ab.swu'],
  ['x'.repeat(400), 'x'.repeat(255)],
] as const) {
  test(`the server takes what is said of ${JSON.stringify(name.slice(0, 20))}, and the digest is found again`, () => {
    const metadata = writeMetadata({ name, sha256 })
    assert.equal(readFileName(metadata, 'id'), kept)
    assert.ok(tellsDigest(metadata, sha256))
  })
}

test('an upload of another client or of other bytes is not gone on with', () => {
  const other = writeMetadata({ name: 'toaster.swu', sha256: sha256.replace('p', 'q') })
  for (const metadata of ['', 'filename YQ==', 'sha256', 'sha256 ====', 'sha256 A', other])
    assert.ok(!tellsDigest(metadata, sha256), metadata)
})
