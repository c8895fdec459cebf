import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ERROR_CODES, type ErrorCode } from '../../domain/error-codes.ts'
import { AppError } from '../../domain/errors.ts'
import { problemOf, statusOf } from './problems.ts'

const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

function bodyOf(error: AppError) {
  return JSON.parse(problemOf(error, TRACEPARENT).body)
}

describe('a problem', () => {
  test('is the recorded document of the original service and the envelope of its specification in one', () => {
    const { status, body } = problemOf(new AppError('NotFound', 'There is no update "a/b/1.0".'), TRACEPARENT)
    assert.equal(status, 404)
    assert.deepEqual(JSON.parse(body), {
      type: 'https://tools.ietf.org/html/rfc7231#section-6.5.4',
      title: 'Not Found',
      status: 404,
      traceId: TRACEPARENT,
      error: { code: 'NotFound', message: 'There is no update "a/b/1.0".' },
    })
  })

  test('says what it is about and lists every mistake, without the members that are only for the log', () => {
    const mistake = new AppError('InvalidRequest', '/0/importManifest is missing.', {
      target: '/0/importManifest',
      cause: new Error('internal'),
      errorDetail: 'raw',
    })
    const error = new AppError('InvalidRequest', 'The body is wrong.', { target: '/0', details: [mistake] })
    assert.deepEqual(bodyOf(error).error, {
      code: 'InvalidRequest',
      message: 'The body is wrong.',
      target: '/0',
      details: [{ code: 'InvalidRequest', message: '/0/importManifest is missing.', target: '/0/importManifest' }],
    })
  })

  const answers = (Object.keys(ERROR_CODES) as ErrorCode[]).filter((code) => ERROR_CODES[code].place === 'answer')
  for (const code of answers) {
    test(`${code} is answered with ${statusOf(code)}`, () => {
      assert.equal(problemOf(new AppError(code, 'x'), TRACEPARENT).status, statusOf(code))
      assert.equal(bodyOf(new AppError(code, 'x')).status, statusOf(code))
      // What has no status of its own would be answered with this one.
      assert.equal(statusOf(code) === 500, code === 'InternalError')
    })
  }
})
