import assert from 'node:assert/strict'
import type { Server } from 'node:http'
import { ERROR_CODES } from '../../src/domain/error-codes.ts'
import { AppError } from '../../src/domain/errors.ts'
import { readImportManifest } from '../../src/domain/read-import-manifest.ts'
import { SIGNATURE } from '../support/publish-update.ts'
import { exchange, isOfParser, readAnswer, statusesIn, type WireAnswer } from './exchange.ts'
import { toWire, type WireRequest } from './request-inputs.ts'
import { type TokenInput, verify } from './token-inputs.ts'

/**
 * Each judge handles one input, throws if anything about the outcome is not as promised, and answers in a word what the outcome was, so
 * that a run can show that it got to all of them.
 */

/** No single input takes longer, on a machine that does other things besides. */
const TIMEOUT_MS = 5000
const PROBLEM_BYTES_MAX = 256 * 1024
/** The page that shows the API to people is the largest thing that is answered. */
const ANSWER_BYTES_MAX = 4 * 1024 * 1024

/** The server of these tests has no portal, and says so in its place. */
const NO_PORTAL = 'The portal is not built'

export function judgeManifest(bytes: Uint8Array): string {
  const { manifest, errors, warnings } = readImportManifest(bytes)
  assert.equal(manifest === undefined, errors.length > 0)
  for (const { code, message } of [...errors, ...warnings]) {
    assert.ok(code in ERROR_CODES, code)
    assert.ok(message.length > 10 && message.isWellFormed(), message)
  }
  const told = [...errors, ...warnings].reduce(
    (sum, { message, target }) => sum + message.length + (target ?? '').length,
    0,
  )
  assert.ok(told <= PROBLEM_BYTES_MAX, `${told} characters of advice`)
  return errors[0]?.code ?? 'read'
}

export async function judgeRequest(request: WireRequest, server: Server): Promise<string> {
  const bytes = await exchange(server, toWire(request), { timeoutMs: TIMEOUT_MS, bytesMax: ANSWER_BYTES_MAX })
  const answer = readAnswer(bytes)
  // The parser hangs up on a request that ends before it is whole.
  if (answer === undefined) {
    assert.ok(/^(HTTP\/1\.1 100 Continue\r\n\r\n)?$/.test(bytes.toString('latin1')), 'what came is no answer')
    return 'no answer'
  }
  assertAnswer(answer, { isHead: request.method === 'HEAD' })
  return String(answer.status)
}

export async function judgeWire(sent: Uint8Array, server: Server): Promise<string> {
  const bytes = await exchange(server, sent, { timeoutMs: TIMEOUT_MS, bytesMax: ANSWER_BYTES_MAX })
  const statuses = statusesIn(bytes)
  assert.deepEqual(
    statuses.filter((status) => status >= 500 && status !== 501 && !(status === 503 && bytes.includes(NO_PORTAL))),
    [],
  )
  assert.ok(bytes.length === 0 || statuses.length > 0, 'what came is no answer')
  return statuses[0] === undefined ? 'no answer' : String(statuses[0])
}

function assertAnswer(answer: WireAnswer, { isHead }: { isHead: boolean }): void {
  const { status, headers, body } = answer
  if (status === 503 && (isHead || body.includes(NO_PORTAL))) return
  // 501 is the management half of the API, which is not there yet.
  assert.ok((status >= 200 && status < 500) || status === 501, `status ${status}: ${body.toString().slice(0, 500)}`)
  assert.ok(!body.includes(SIGNATURE), 'a signature was answered')
  if (status >= 400) {
    if ([400, 408, 413, 417, 431].includes(status) && isOfParser(answer)) return
    assert.ok(body.length <= PROBLEM_BYTES_MAX, `a problem of ${body.length} bytes`)
    assert.equal(headers['content-type'], 'application/problem+json; charset=utf-8')
    if (!isHead) assertProblem(answer)
    return
  }
  if (isHead || status === 202 || status === 304) {
    assert.equal(body.length, 0)
    return
  }
  if (headers['content-type'] === 'application/octet-stream') assertHarmless(headers)
  if (headers['content-length'] !== undefined) assert.equal(body.length, Number(headers['content-length']))
  if (headers['content-type']?.startsWith('application/json') && headers['transfer-encoding'] === undefined) {
    JSON.parse(body.toString())
  }
}

/** What a publisher has made must not run as a page of this server. */
function assertHarmless(headers: WireAnswer['headers']): void {
  assert.equal(headers['x-content-type-options'], 'nosniff')
  assert.equal(headers['content-security-policy'], 'sandbox')
  assert.match(headers['content-disposition'] ?? '', /^attachment;/)
}

function assertProblem({ status, headers, body }: WireAnswer): void {
  const problem = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  assert.equal(problem.status, status)
  assert.ok(typeof problem.title === 'string' && typeof problem.type === 'string')
  assert.match(problem.traceId, /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/)
  assert.equal(headers.traceparent, problem.traceId)
  const { code, message, details = [] } = problem.error
  for (const error of [{ code, message }, ...details]) {
    assert.ok(error.code in ERROR_CODES, String(error.code))
    assert.ok(typeof error.message === 'string' && error.message.length > 10)
  }
}

export async function judgeToken({ token, isSigned }: TokenInput): Promise<string> {
  try {
    const { subject, grants } = await verify(token)
    assert.ok(isSigned, 'a token that its issuer did not sign opened the server')
    assert.ok(typeof subject === 'string' && grants.every(({ instance }) => typeof instance === 'string'))
    return 'accepted'
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    assert.ok(['Unauthenticated', 'PermissionMissing'].includes(error.code), error.code)
    assert.ok(error.message.length < 500 && (token.length < 30 || !error.message.includes(token)), error.message)
    return error.code
  }
}
