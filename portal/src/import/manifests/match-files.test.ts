import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Hashing, PickedFile } from '../files/picked-file.ts'
import { nameOf } from '../files/picked-file.ts'
import { matchFiles } from './match-files.ts'

const DIGEST = 'pmWkWSBCL51Bfkhn79xPuKBKHz//H6B+mY6G9/eieuM='
const OTHER = 'LCa0a2j/xo/5m0U8HTBBNBNCLXBkg7+g+YpeiGJm564='

const WANTED = {
  fileName: 'install.sh',
  sizeInBytes: 3,
  hashes: { sha256: DIGEST },
  pointer: '/files/0',
  relatedFiles: [],
}

function picked(path: string, hashing: Hashing = { kind: 'done', sha256: DIGEST }, bytes = '123'): PickedFile {
  return { key: path, path, name: nameOf(path), file: new File([bytes], nameOf(path)), hashing }
}

function match(...files: PickedFile[]) {
  return matchFiles({ files: [WANTED] }, { path: 'bundle/a.importmanifest.json', files })[0]
}

test('a file that is not there is missing', () => {
  assert.equal(match()?.state, 'missing')
  assert.equal(match(picked('other.sh', { kind: 'done', sha256: OTHER }))?.state, 'missing')
})

test('the right content wins over a nearer file with the same name', () => {
  const wrong = picked('bundle/install.sh', { kind: 'done', sha256: OTHER })
  const right = picked('elsewhere/install.sh')
  assert.equal(match(wrong, right)?.picked, right)
  assert.equal(match(wrong, right)?.state, 'right')
})

test('the right content under another name is right', () => {
  assert.equal(match(picked('install (1).sh'))?.state, 'right')
})

test('of wrong files with the name the one beside the manifest is told, with both digests', () => {
  const far = picked('install.sh', { kind: 'done', sha256: OTHER })
  const near = picked('bundle/INSTALL.sh', { kind: 'done', sha256: OTHER })
  const found = match(far, near)
  assert.equal(found?.picked, near)
  assert.equal(found?.state, 'wrong')
  assert.ok(found?.problem?.includes(OTHER) && found.problem.includes(DIGEST))
})

test('a wrong size is told before anything is hashed', () => {
  const found = match(picked('install.sh', { kind: 'running', bytesDone: 0 }, '1234'))
  assert.equal(found?.state, 'wrong')
  assert.match(found?.problem ?? '', /has 4 bytes, but the manifest says 3/)
})

test('a file of the right size is waited for', () => {
  assert.equal(match(picked('install.sh', { kind: 'running', bytesDone: 0 }))?.state, 'hashing')
})

test('a file that the browser cannot read is wrong', () => {
  assert.equal(match(picked('install.sh', { kind: 'failed' }))?.state, 'wrong')
})

test('related files are wanted, too', () => {
  const file = { ...WANTED, relatedFiles: [{ ...WANTED, fileName: 'delta.diff' }] }
  const found = matchFiles({ files: [file] }, { path: 'a.json', files: [] })
  assert.deepEqual(
    found.map(({ fileName }) => fileName),
    ['install.sh', 'delta.diff'],
  )
})
