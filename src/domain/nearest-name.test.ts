import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nearestName } from './nearest-name.ts'

const NAMES = ['filename', 'sizeInBytes', 'hashes', 'id', 'files']

test('a slip or two lead to the name that was meant', () => {
  const meant = ['fileNmae', 'file_name', 'SizeInByte', 'hash', 'hashs', 'file'].map((name) => nearestName(name, NAMES))
  assert.deepEqual(meant, ['filename', 'filename', 'sizeInBytes', 'hashes', 'hashes', 'files'])
})

test('a name that is like none leads nowhere', () => {
  for (const name of ['', 'xy', 'md', 'comment', 'sixxInBytxs', 'x'.repeat(100_000)])
    assert.equal(nearestName(name, NAMES), undefined)
})
