import assert from 'node:assert/strict'
import { test } from 'node:test'
import { callStore, isPassing, type RequestFailure, STORE_PATIENCE, StoreCallFailed } from './call-store.ts'

class Refusal extends Error {
  readonly failure: RequestFailure

  constructor(failure: Partial<RequestFailure>) {
    super()
    this.failure = { status: undefined, reason: 'because', ...failure }
  }
}

const PAUSES_MS = [1, 1, 1]
const call = callStore(
  { title: 's3://updates', read: (error) => (error as Refusal).failure },
  { ...STORE_PATIENCE, pausesMs: PAUSES_MS },
)

/** A request that fails so many times. */
function failing(times: number, failure: Partial<RequestFailure>) {
  const request = async () => {
    request.count += 1
    if (request.count <= times) throw new Refusal(failure)
    return 'done'
  }
  request.count = 0
  return request
}

test('what may pass is tried again, as often as there are pauses', async () => {
  for (const status of [undefined, 408, 429, 500, 502, 503, 504]) {
    const request = failing(3, { status })
    assert.equal(await call('be read', request), 'done')
    assert.equal(request.count, 4)
  }
  const hopeless = failing(5, { status: 503, requestId: '42' })
  await assert.rejects(call('be read', hopeless), {
    code: 'StoreFailed',
    message: 'The store s3://updates could not be read: it answered 503 because (4 tries).',
    errorDetail: 'request id 42',
    mayRecover: true,
    status: 503,
  })
  assert.equal(hopeless.count, 4)
})

test('what will not pass is an error at once, and so is everything where nobody should wait', async () => {
  for (const failure of [{ status: 403 }, { status: 404 }, { status: 501 }, { isTransient: false }]) {
    const request = failing(1, failure)
    await assert.rejects(call('be read', request), { code: 'StoreFailed', mayRecover: false })
    assert.equal(request.count, 1)
  }
  const request = failing(1, { status: 503 })
  await assert.rejects(call('be read', request, { isRepeated: false }), StoreCallFailed)
  assert.equal(request.count, 1)
})

test('a store that says when to come again is not asked before', async () => {
  const begunAt = performance.now()
  await call('be read', failing(1, { status: 503, retryAfterMs: 150 }))
  assert.ok(performance.now() - begunAt >= 149)
})

test('who gives up does not wait for the end of a pause', async () => {
  const given = new AbortController()
  const waiting = call('be read', failing(9, { status: 503, retryAfterMs: 20_000 }), { signal: given.signal })
  given.abort(new Error('given up'))
  await assert.rejects(waiting, /given up|aborted/)
})

test('a server that is not trusted is not asked again, one that cannot be reached is', () => {
  for (const code of ['CERT_HAS_EXPIRED', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'EPROTO']) {
    assert.equal(isPassing(code), false, code)
  }
  for (const code of ['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN', 'EPIPE']) {
    assert.equal(isPassing(code), true, code)
  }
})
