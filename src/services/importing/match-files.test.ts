import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bytesOf, validManifest } from '../../../tests/support/import-manifests.ts'
import type { AppError } from '../../domain/errors.ts'
import type { ImportInput } from '../../domain/import-request.ts'
import { readImportManifest } from '../../domain/read-import-manifest.ts'
import { matchFiles } from './match-files.ts'

/** Lists toaster.swu with the related file delta.dat. */
const { parts } = readImportManifest(bytesOf(validManifest('5.0')))
assert.ok(parts)

function input(...fileNames: string[]): ImportInput {
  return {
    importManifest: { url: 'https://files.example/manifest.json?sig=1', sizeInBytes: 1, hashes: {} },
    files: fileNames.map((fileName) => ({ fileName, url: `https://files.example/${encodeURIComponent(fileName)}` })),
  }
}

function refusalOf(given: ImportInput, of = parts): AppError {
  const { error } = matchFiles(of!, given)
  assert.ok(error)
  assert.equal(error.code, 'CannotProcessUpdateFile')
  assert.equal(error.inner?.code, 'ContentFileCannotDownload')
  return error
}

test('files and related files get their URLs, in whatever order the request has them', () => {
  const { matched, spare, error } = matchFiles(parts, input('delta.dat', 'toaster.swu'))
  assert.deepEqual(
    matched.map(({ fileName, title, url, sizeInBytes }) => [fileName, title, url.href, sizeInBytes]),
    [
      ['toaster.swu', '"toaster.swu"', 'https://files.example/toaster.swu', 7],
      ['delta.dat', '"delta.dat"', 'https://files.example/delta.dat', 3],
    ],
  )
  assert.deepEqual([spare, error], [[], undefined])
})

test('a related file needs its URL too', () => {
  const { details } = refusalOf(input('toaster.swu'))
  assert.deepEqual(
    details.map(({ code, target }) => [code, target]),
    [['FileNotSupplied', '/files/0/relatedFiles/0']],
  )
})

test('all mistakes are told, each with its place', () => {
  const refusal = refusalOf(input('a.bin', 'toaster.swu', 'toaster.swu', 'b.bin'))
  assert.deepEqual(
    refusal.details.map(({ code, target }) => [code, target]),
    [
      ['FileNotListed', '/files/0'],
      ['FileNameRepeated', '/files/2'],
      ['FileNotListed', '/files/3'],
      ['FileNotSupplied', '/files/0/relatedFiles/0'],
    ],
  )
  assert.equal(refusal.inner?.inner, refusal.details[0])
  assert.match(refusal.message, /^Error processing source file\.$/)
  assert.match(refusal.inner?.message ?? '', /"a\.bin".*it lists "toaster\.swu", "delta\.dat"/)
})

test('the manifest among the files is recognised by its URL, whatever its signature', () => {
  const given = input('toaster.swu', 'delta.dat')
  given.files.push({ fileName: 'manifest.json', url: 'https://files.example/manifest.json?sig=2' })
  assert.match(refusalOf(given).details[0]?.message ?? '', /is the import manifest itself/)
})

test('URLs that belong to no file are answered too', () => {
  const { matched, spare } = matchFiles(parts, input('a.bin', 'toaster.swu', 'toaster.swu', 'b.bin'))
  assert.deepEqual(
    matched.map(({ fileName }) => fileName),
    ['toaster.swu'],
  )
  assert.deepEqual(
    spare.map(({ title, url }) => `${title} ${url.pathname}`),
    ['"a.bin" /a.bin', '"toaster.swu" /toaster.swu', '"b.bin" /b.bin'],
  )
})

test('of a manifest that may mean other names, only those count as missing that it has', () => {
  const [file] = parts.files
  assert.ok(file)
  const known = { ...parts, hasEveryFileName: false, files: [file, { ...file, fileName: '', relatedFiles: [] }] }
  assert.deepEqual(
    refusalOf(input('a.bin', 'toaster.swu'), known).details.map(({ code, message }) => [
      code,
      /"[^"]+"/.exec(message)?.[0],
    ]),
    [['FileNotSupplied', '"delta.dat"']],
  )
})
