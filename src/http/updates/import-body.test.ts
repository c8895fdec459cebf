import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { AppError } from '../../domain/errors.ts'
import { LIMITS } from '../../domain/limits.ts'
import { readImportBody } from './import-body.ts'

const SHA256 = 'O19LyyncPe1AGstOdkcmozLV8pSbBdqrE18HdYVohRc='
const URL = 'https://contoso.blob.core.windows.net/updates/importmanifest.json?sig=c2VjcmV0'

const ITEM = {
  importManifest: { url: URL, sizeInBytes: 816, hashes: { sha256: SHA256 } },
  files: [{ filename: 'file1.bin', url: 'http://contoso.blob.core.windows.net/updates/file1.bin' }],
}

const READ = { ...ITEM, files: [{ fileName: 'file1.bin', url: ITEM.files[0]?.url }] }

function read(body: unknown, filesRequired = false) {
  return readImportBody(body, { filesRequired }).inputs
}

/** Reads a body as the wire brings it, so that `__proto__` and the like are ordinary members. */
function readText(body: string) {
  return read(JSON.parse(body))
}

function refusal(body: unknown, filesRequired = false): AppError {
  try {
    read(body, filesRequired)
  } catch (error) {
    assert.ok(error instanceof AppError, String(error))
    assert.equal(error.code, 'InvalidRequest')
    return error
  }
  return assert.fail('the body was taken')
}

describe('a body of Import Update is read', () => {
  const shapes: [string, unknown, boolean?][] = [
    ['as a single object', ITEM],
    ['as a single object of 2020-09-01', ITEM, true],
    ['as a list', [ITEM]],
    ['as a list where 2020-09-01 has an object', [ITEM], true],
    ['as a list in importUpdateInput', { importUpdateInput: [ITEM], enableScan: true }],
    ['as a list in importUpdateInput of any letter case', { ImportUpdateInput: [ITEM] }, true],
    [
      'with members in the letter case of the private preview',
      {
        ImportManifest: { Url: URL, SizeInBytes: 816, Hashes: { Sha256: SHA256 } },
        Files: [{ Filename: 'file1.bin', Url: ITEM.files[0]?.url }],
      },
    ],
    ['with fileName, as the official sample writes it', [{ ...ITEM, files: [{ ...READ.files[0] }] }]],
    ['with the algorithm in capitals', [{ ...ITEM, importManifest: { ...ITEM.importManifest, hashes: { SHA256 } } }]],
    ['with members that nobody knows', [{ ...ITEM, comment: 'x', importManifest: { ...ITEM.importManifest, x: 1 } }]],
  ]
  for (const [title, body, filesRequired] of shapes) {
    test(title, () => assert.deepEqual(read(body, filesRequired), [READ]))
  }

  test('with staged uploads in place of URLs', () => {
    const url = `staging:${'0f'.repeat(16)}`
    const body = [
      { importManifest: { ...ITEM.importManifest, url }, files: [{ filename: 'file1.bin', url }] },
      { ...ITEM, files: [{ filename: 'file1.bin', url }] },
    ]
    assert.deepEqual(
      read(body).map(({ importManifest, files }) => [importManifest.url, files[0]?.url]),
      [
        [url, url],
        [URL, url],
      ],
    )
  })

  test('with further hashes under lower-case names', () => {
    const hashes = { SHA256, Md5: 'x' }
    const [input] = read([{ ...ITEM, importManifest: { ...ITEM.importManifest, hashes } }])
    assert.deepEqual(input?.importManifest.hashes, { sha256: SHA256, md5: 'x' })
  })

  test('without files, with an empty list of them and with null for them', () => {
    const { importManifest } = ITEM
    for (const item of [{ importManifest }, { importManifest, files: [] }, { importManifest, files: null }]) {
      assert.deepEqual(read([item]), [{ importManifest, files: [] }])
      assert.deepEqual(read(item), [{ importManifest, files: [] }])
      assert.deepEqual(read([item], true), [{ importManifest, files: [] }])
    }
  })

  test('with a friendly name, and null counts as none', () => {
    assert.equal(read({ ...ITEM, friendlyName: 'Toaster ☕' })[0]?.friendlyName, 'Toaster ☕')
    assert.ok(!('friendlyName' in (read({ ...ITEM, FriendlyName: null })[0] ?? {})))
  })

  test('with eleven inputs in their order', () => {
    const items = Array.from({ length: 11 }, (_, i) => ({ ...ITEM, friendlyName: `number ${i}` }))
    assert.deepEqual(
      read(items).map(({ friendlyName }) => friendlyName),
      items.map(({ friendlyName }) => friendlyName),
    )
  })

  test('without harm from members that every JavaScript object seems to have', () => {
    const text = JSON.stringify([ITEM]).replace('"hashes":{', '"hashes":{"__proto__":"x","constructor":"y",')
    const [input] = readText(text)
    assert.equal(input?.importManifest.hashes.sha256, SHA256)
    assert.equal(Object.getPrototypeOf(input?.importManifest.hashes), Object.prototype)
    assert.equal(({} as Record<string, unknown>).x, undefined)
  })
})

describe('a body of Import Update is refused', () => {
  const changed = (changes: object) => [{ ...ITEM, ...changes }]
  const manifest = (changes: object) => changed({ importManifest: { ...ITEM.importManifest, ...changes } })
  const without = (name: 'url' | 'sizeInBytes' | 'hashes') => {
    const { [name]: _, ...rest } = ITEM.importManifest
    return changed({ importManifest: rest })
  }
  const file = (member: unknown) => changed({ files: [ITEM.files[0], member] })

  /** What is wrong, the body, the JSON Pointer to it, and what the sentence must say. */
  const cases: [string, unknown, string, RegExp, boolean?][] = [
    ['no JSON object or list', 'hello', '', /must be a list of inputs/],
    ['nothing at all', undefined, '', /must be a list of inputs/],
    ['null', null, '', /must be a list of inputs/],
    ['an empty list', [], '', /must not have fewer than 1 items/],
    ['twelve inputs', Array.from({ length: 12 }, () => ITEM), '', /must not have more than 11 items/],
    ['importUpdateInput that is no list', { importUpdateInput: {} }, '/importUpdateInput', /must be array/],
    ['importUpdateInput that is null', { importUpdateInput: null }, '/importUpdateInput', /must be array/],
    ['an empty importUpdateInput', { importUpdateInput: [] }, '/importUpdateInput', /fewer than 1/],
    ['an input that is no object', [ITEM, 5], '/1', /must be object/],
    ['an input that is null', [null], '/0', /must be object/],
    ['no importManifest', [{ files: [] }], '/0/importManifest', /is missing/],
    ['no importManifest in a single object', {}, '/importManifest', /is missing/],
    ['importManifest that is null', changed({ importManifest: null }), '/0/importManifest', /is missing/],
    ['importManifest that is a text', changed({ importManifest: URL }), '/0/importManifest', /must be object/],
    ['no url', without('url'), '/0/importManifest/url', /is missing/],
    ['an empty url', manifest({ url: '' }), '/0/importManifest/url', /fewer than 1/],
    ['a relative url', manifest({ url: '/a/b' }), '/0/importManifest/url', /absolute http or https URL/],
    ['a url of another scheme', manifest({ url: 'ftp://h/a' }), '/0/importManifest/url', /not ftp:/],
    [
      'an upload that cannot be',
      manifest({ url: `staging:${'A'.repeat(32)}` }),
      '/0/importManifest/url',
      /must be staging: and the id of an upload, 32 hex digits in lower case/,
    ],
    ['a file url', manifest({ url: 'file:///etc/passwd' }), '/0/importManifest/url', /not file:/],
    [
      'an endless url',
      manifest({ url: `https://h/${'a'.repeat(LIMITS.urlLengthMax)}` }),
      '/0/importManifest/url',
      /more than 8192/,
    ],
    ['no size', without('sizeInBytes'), '/0/importManifest/sizeInBytes', /is missing/],
    ['a size as text', manifest({ sizeInBytes: '816' }), '/0/importManifest/sizeInBytes', /must be integer/],
    ['a size of 0', manifest({ sizeInBytes: 0 }), '/0/importManifest/sizeInBytes', />= 1/],
    ['a negative size', manifest({ sizeInBytes: -1 }), '/0/importManifest/sizeInBytes', />= 1/],
    ['a size with a fraction', manifest({ sizeInBytes: 1.5 }), '/0/importManifest/sizeInBytes', /must be integer/],
    ['an immense size', manifest({ sizeInBytes: 1e300 }), '/0/importManifest/sizeInBytes', /must be (<=|integer)/],
    ['no hashes', without('hashes'), '/0/importManifest/hashes', /is missing/],
    ['hashes without sha256', manifest({ hashes: { md5: 'x' } }), '/0/importManifest/hashes/sha256', /is missing/],
    ['a null hash', manifest({ hashes: { sha256: null } }), '/0/importManifest/hashes/sha256', /is missing/],
    ['a hash that is no text', manifest({ hashes: { sha256: 5 } }), '/0/importManifest/hashes/sha256', /be string/],
    [
      'another hash that is no text',
      manifest({ hashes: { SHA256, md5: 5 } }),
      '/0/importManifest/hashes/md5',
      /string/,
    ],
    [
      'a hash in hex',
      manifest({ hashes: { sha256: '3b5f4bcb29dc3ded401acb4e764726a332d5f2949b05daab135f07758568d5d7' } }),
      '/0/importManifest/hashes/sha256',
      /looks like a hex digest, but Device Update wants base64/,
    ],
    ['a short hash', manifest({ hashes: { sha256: 'AAAA' } }), '/0/importManifest/hashes/sha256', /44 characters/],
    [
      'a hash in base64url',
      manifest({ hashes: { sha256: SHA256.replace('=', '') } }),
      '/0/importManifest/hashes/sha256',
      /44 characters/,
    ],
    [
      'more hashes than there are algorithms',
      manifest({
        hashes: { sha256: SHA256, ...Object.fromEntries(Array.from({ length: 16 }, (_, i) => [`h${i}`, 'x'])) },
      }),
      '/0/importManifest/hashes',
      /more than 16/,
    ],
    [
      'an endless hash',
      manifest({ hashes: { sha256: SHA256, md5: 'A'.repeat(257) } }),
      '/0/importManifest/hashes/md5',
      /more than 256/,
    ],
    [
      'a file with an endless name',
      file({ filename: 'a'.repeat(1025), url: URL }),
      '/0/files/1/filename',
      /more than 1024/,
    ],
    ['an empty friendly name', changed({ friendlyName: '' }), '/0/friendlyName', /fewer than 1/],
    ['a long friendly name', changed({ friendlyName: 'a'.repeat(513) }), '/0/friendlyName', /more than 512/],
    ['a friendly name that is a number', changed({ friendlyName: 5 }), '/0/friendlyName', /must be string/],
    ['a friendly name with a line end', changed({ friendlyName: 'a\nb' }), '/0/friendlyName', /control characters/],
    ['a friendly name with half a character', changed({ friendlyName: '\ud800' }), '/0/friendlyName', /control/],
    ['files that are no list', changed({ files: {} }), '/0/files', /must be array/],
    ['a file that is no object', file('file1.bin'), '/0/files/1', /must be object/],
    ['a file without a name', file({ url: URL }), '/0/files/1/filename', /is missing/],
    ['a file with an empty name', file({ filename: '', url: URL }), '/0/files/1/filename', /fewer than 1/],
    ['a file without a url', file({ filename: 'a' }), '/0/files/1/url', /is missing/],
    ['a file with a relative url', file({ filename: 'a', url: 'a' }), '/0/files/1/url', /absolute http or https URL/],
    ['a member twice', file({ filename: 'a', fileName: 'b', url: URL }), '/0/files/1/fileName', /stands twice/],
    ['an algorithm twice', manifest({ hashes: { sha256: 'a', SHA256 } }), '/0/importManifest/hashes/SHA256', /twice/],
    ['no files in 2020-09-01', { importManifest: ITEM.importManifest }, '/files', /is missing/, true],
    ['an empty list of files in 2020-09-01', { ...ITEM, files: [] }, '/files', /fewer than 1/, true],
    [
      'a mistake inside importUpdateInput',
      { importUpdateInput: [ITEM, {}] },
      '/importUpdateInput/1/importManifest',
      /is missing/,
    ],
  ]
  for (const [title, body, pointer, sentence, filesRequired] of cases) {
    test(`for ${title}`, () => {
      const error = refusal(body, filesRequired)
      assert.equal(error.target, pointer)
      assert.match(error.message, sentence)
      assert.ok(!error.message.includes('c2VjcmV0'), 'the signature of a URL must not be told')
    })
  }

  test('with every mistake, each in its place', () => {
    const { details, message } = refusal([
      { importManifest: { url: 5, hashes: {} }, files: [{}] },
      { importManifest: { url: URL, sizeInBytes: 1, hashes: { sha256: SHA256 } }, friendlyName: '' },
    ])
    assert.deepEqual(details.map(({ target }) => target).sort(), [
      '/0/files/0/filename',
      '/0/files/0/url',
      '/0/importManifest/hashes/sha256',
      '/0/importManifest/sizeInBytes',
      '/0/importManifest/url',
      '/1/friendlyName',
    ])
    assert.equal(message, `The request body is not valid: ${details[0]?.message}`)
  })

  test('with the mistakes of all eleven inputs', () => {
    assert.equal(refusal(Array.from({ length: 11 }, () => ({}))).details.length, 11)
  })

  test('without an answer of megabytes, however many mistakes there are', () => {
    const endless = [Array.from({ length: 100_000 }, () => 1), changed({ files: Array(20_000).fill({}) })]
    const badUrls = changed({ files: Array(20_000).fill({ filename: 'a', url: 'x' }) })
    for (const body of [...endless, badUrls]) assert.ok(refusal(body).details.length <= LIMITS.findingsMax)
  })
})
