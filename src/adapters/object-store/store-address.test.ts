import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseStoreAddress, storeTitle } from './store-address.ts'

test('a container, a bucket, or a folder', () => {
  for (const [text, address, title] of [
    ['azblob://updates', { kind: 'azblob', container: 'updates', prefix: '' }, 'azblob://updates'],
    ['azblob://updates/', { kind: 'azblob', container: 'updates', prefix: '' }, 'azblob://updates'],
    ['AZBLOB://a-1/x/Y_z.1', { kind: 'azblob', container: 'a-1', prefix: 'x/Y_z.1' }, 'azblob://a-1/x/Y_z.1'],
    ['s3://updates.example.com', { kind: 's3', bucket: 'updates.example.com', prefix: '' }, 's3://updates.example.com'],
    ['s3://updates/a/b/', { kind: 's3', bucket: 'updates', prefix: 'a/b' }, 's3://updates/a/b'],
    ['/var/lib/aduana', { kind: 'folder', path: '/var/lib/aduana' }, '/var/lib/aduana'],
    ['blobs', { kind: 'folder', path: 'blobs' }, 'blobs'],
    ['C:\\aduana', { kind: 'folder', path: 'C:\\aduana' }, 'C:\\aduana'],
  ] as const) {
    assert.deepEqual(parseStoreAddress(text), address)
    assert.equal(storeTitle(parseStoreAddress(text)), title)
  }
})

test('anything else is refused with a sentence that names the mistake', () => {
  for (const [text, sentence] of [
    ['', /has no address\. Write azblob:\/\/CONTAINER/],
    ['gs://bucket', /begin with gs:\/\/ are not known\. Write azblob/],
    ['https://account.blob.core.windows.net/c', /begin with https:\/\/ are not known/],
    ['file:///var/blobs', /file:\/\/ are not known.*path of a folder/],
    ['s3:bucket', /s3:bucket lacks the two slashes/],
    ['azblob:/c', /lacks the two slashes/],
    ['azblob://', /a container has 3 to 63 .*this one is empty/],
    ['azblob://Updates', /this one is "Updates"/],
    ['azblob://a--b', /single hyphens/],
    ['azblob://$web', /this one is "\$web"/],
    [`azblob://${'a'.repeat(64)}`, /3 to 63/],
    ['s3://ab', /a bucket has 3 to 63/],
    ['s3://a..b', /this one is "a\.\.b"/],
    ['s3://127.0.0.1', /is no IP address.*AWS_ENDPOINT_URL/],
    ['s3://localhost:9000/updates', /this one is "localhost:9000"/],
    ['s3://updates//a', /one is empty/],
    ['s3://updates/../a', /not just dots; one is "\.\."/],
    ['s3://updates/a b', /one is "a b"/],
    [`s3://updates/${'x'.repeat(513)}`, /longer than 512 characters/],
  ] as const) {
    assert.throws(() => parseStoreAddress(text), sentence, text)
  }
})

test('what may be a secret is not repeated', () => {
  for (const text of ['azblob://updates?sv=2022&sig=SECRET', 's3://KEY:SECRET@updates', 's3://updates#SECRET']) {
    assert.throws(
      () => parseStoreAddress(text),
      (error: Error) => /no keys, signatures or options/.test(error.message) && !/SECRET|KEY:/.test(error.message),
    )
  }
})
