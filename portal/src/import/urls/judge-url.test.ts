import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judgeFileName, judgeManifestSize, judgeSha256, judgeUrl } from './judge-url.ts'

const NOW = Date.parse('2026-05-06T07:00:00Z')
const SIGNATURE = 'secret'

test('a SAS URL that is good for reading is right', () => {
  assert.equal(
    judgeUrl(`https://a.blob.core.windows.net/c/f?se=2026-05-06T08:00:00Z&sp=r&sig=${SIGNATURE}`, NOW),
    undefined,
  )
  assert.equal(judgeUrl('http://10.0.0.1:8080/f', NOW), undefined)
})

const WRONG = [
  ['', /Write the URL/],
  ['c:\\files\\a.swu', /no URL/],
  ['ftp://a/b', /no URL/],
  [`https://user:${SIGNATURE}@a/b`, /password/],
  [`https://a/b?se=2026-05-06T06:00:00Z&sp=r&sig=${SIGNATURE}`, /expired at 2026-05-06T06:00:00.000Z/],
  [`https://a/b?se=2026-05-07T06:00:00Z&sp=w&sig=${SIGNATURE}`, /does not allow reading/],
  [`https://a/${'b'.repeat(8192)}`, /8192/],
] as const

for (const [url, sentence] of WRONG) {
  test(`of ${url.slice(0, 40) || 'no URL'} it is told what is wrong, and no secret`, () => {
    const told = judgeUrl(url, NOW) ?? ''
    assert.match(told, sentence)
    assert.ok(!told.includes(SIGNATURE))
  })
}

test('digests in hex, and what is no digest, are told apart', () => {
  assert.match(judgeSha256('ab'.repeat(32)) ?? '', /hex/)
  assert.match(judgeSha256('abc') ?? '', /44 characters/)
  assert.equal(judgeSha256('pmWkWSBCL51Bfkhn79xPuKBKHz//H6B+mY6G9/eieuM='), undefined)
})

test('the size of a manifest is a number from one to a MiB', () => {
  assert.equal(judgeManifestSize('816'), undefined)
  for (const text of ['', '0', '-1', '1.5', '0x10', '1048577', '9'.repeat(20)]) assert.ok(judgeManifestSize(text), text)
})

test('file names are those of a manifest, each once', () => {
  assert.equal(judgeFileName('ä b.swu', []), undefined)
  for (const name of ['', 'a/b', 'a\\b', 'a\nb', 'x'.repeat(256)]) assert.ok(judgeFileName(name, []), name)
  assert.match(judgeFileName('a', ['a']) ?? '', /twice/)
})
