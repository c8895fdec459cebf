import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { AppError } from '../../domain/errors.ts'
import { LIMITS } from '../../domain/limits.ts'
import { readImportBody } from '../updates/import-body.ts'
import { readJsonBody } from './json-body.ts'

const SHA256 = 'O19LyyncPe1AGstOdkcmozLV8pSbBdqrE18HdYVohRc='

function refusal(body: Uint8Array | string): AppError {
  try {
    readJsonBody(Buffer.from(body))
  } catch (error) {
    assert.ok(error instanceof AppError, String(error))
    assert.equal(error.code, 'InvalidRequest')
    return error
  }
  return assert.fail('the body was taken')
}

describe('a body', () => {
  test('is read as JSON, with a byte order mark and without; an empty one is none', () => {
    assert.deepEqual(readJsonBody(Buffer.from('\ufeff{"a": [1]}')), { a: [1] })
    assert.deepEqual(readJsonBody(Buffer.from('[]')), [])
    assert.equal(readJsonBody(Buffer.alloc(0)), undefined)
  })

  test('that is no JSON, or not UTF-8, is refused with what is wrong', () => {
    assert.match(refusal('{').message, /^The body is not JSON: /)
    assert.match(refusal(Buffer.from([0x22, 0xff, 0x22])).message, /^The body is not JSON: /)
  })

  test('may have as many members and items as an import with every file that it may have, and no more', () => {
    const file = { filename: 'a', url: 'https://h/a' }
    const files = Array.from({ length: LIMITS.requestFilesMax }, () => file)
    const importManifest = { url: 'https://h/m', sizeInBytes: 1, hashes: { sha256: SHA256 } }
    const body = Array.from({ length: LIMITS.inputsMax }, () => ({ importManifest, friendlyName: 'a', files }))
    assert.deepEqual(readJsonBody(Buffer.from(JSON.stringify(body))), body)

    const list = (length: number) => JSON.stringify(Array(length).fill(0))
    assert.ok(readJsonBody(Buffer.from(list(LIMITS.jsonValuesMax))))
    const { message, target } = refusal(list(LIMITS.jsonValuesMax + 1))
    assert.match(message, /more than 10000 members and items.* at most 11 inputs with 100 files each\.$/)
    assert.equal(target, '')
  })
})

test('no body of 1 MiB holds up everybody else, whatever is in it', () => {
  const start = `[{"importManifest":{"url":"https://h/a","sizeInBytes":1,"hashes":{"sha256":"${SHA256}"`
  const filled = (open: string, piece: (i: number) => string, close: string, piecesMax = Number.POSITIVE_INFINITY) => {
    const pieces = [open]
    let left = LIMITS.requestBodyBytesMax - open.length - close.length
    for (let i = 0; i < piecesMax; i += 1) {
      const next = piece(i)
      left -= next.length
      if (left < 0) break
      pieces.push(next)
    }
    return [...pieces, close].join('')
  }
  // One less than are too many, so that they are looked at, and as many as there is room for, so that they are not.
  const counts = [LIMITS.jsonValuesMax - 20, Number.POSITIVE_INFINITY]
  const bodies = counts.flatMap((max) => [
    filled(start, (i) => `,"h${i}":"x"`, '}}}]', max),
    filled(start, (i) => `,"h${i}":0`, '}}}]', max),
    filled('[{"a":0', (i) => `,"h${i}":{}`, '}]', max),
    filled('{"a":0', (i) => `,"${(i * 104_729) % 4_294_967_291}":0`, '}', max),
    filled('[{"files":[0', () => ',{}', ']}]', max),
    filled('[0', () => ',[]', ']', max),
    filled('', () => '[', '', max),
    filled('', () => '{"a":', '', max),
  ])
  const url = (length: number) => `https://h/${'%'.repeat(length)}`
  const files = Array.from({ length: 100 }, (_, i) => ({ filename: 'é'.repeat(100) + i, url: url(700) }))
  const { importManifest } = JSON.parse(`${start}}}}]`)[0]
  bodies.push(
    JSON.stringify(Array.from({ length: 10 }, () => ({ importManifest, files }))),
    `${start}},"friendlyName":"${'x'.repeat(1_000_000)}"}}]`,
    `${start}},"sizeInBytes":${'9'.repeat(1_000_000)}}]`,
    `[{"importManifest":{"url":"https://${'x'.repeat(1_000_000)}"}}]`,
    `"${'\\"'.repeat(500_000)}`,
  )
  for (const body of bodies) {
    const bytes = Buffer.from(body)
    assert.ok(bytes.byteLength <= LIMITS.requestBodyBytesMax)
    // The quickest of five, in time of this process, since other programs take their share of the machine.
    const times = [1, 2, 3, 4, 5].map(() => {
      const begin = process.cpuUsage()
      try {
        readImportBody(readJsonBody(bytes), { filesRequired: false })
      } catch (error) {
        assert.ok(error instanceof AppError, String(error))
      }
      const { user, system } = process.cpuUsage(begin)
      return (user + system) / 1000
    })
    // 10 ms at most where this was written, on a machine with nothing else to do; without the bounds up to 250 ms.
    assert.ok(Math.min(...times) < 100, `${body.slice(0, 120)} took ${times} ms`)
  }
})
