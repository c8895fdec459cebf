import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AppError } from '../../domain/errors.ts'
import { LIMITS } from '../../domain/limits.ts'
import { CheckFindings } from './check-findings.ts'

function facts(errors: readonly AppError[] = []) {
  return errors.map(({ item, code, message, target }) => [item, code, message, target])
}

test('nothing found is no refusal', () => {
  const findings = new CheckFindings()
  assert.deepEqual([findings.refusal(), findings.warnings()], [undefined, []])
})

test('an error with details becomes each of them, with the input in front of the place', () => {
  const findings = new CheckFindings()
  const details = [new AppError('TypeWrong', 'One.', { target: '/a' }), new AppError('CountWrong', 'Two.')]
  findings.object(1, new AppError('CannotProcessImportManifest', 'Error.', { details }), '/1')
  assert.deepEqual(facts(findings.refusal()?.details), [
    [1, 'TypeWrong', 'One.', '/1/a'],
    [1, 'CountWrong', 'Two.', '/1'],
  ])
})

test('an error with others inside becomes its innermost code, with the sentence that names the file and the words of the source', () => {
  const findings = new CheckFindings()
  const status = new AppError('SourceStatus', 'It answered 403.', { errorDetail: 'Forbidden' })
  const inner = new AppError('ContentFileCannotDownload', '"a.bin": It answered 403.', { inner: status })
  findings.object(0, new AppError('CannotProcessUpdateFile', 'Error.', { target: 'a.bin', inner }))
  const refusal = findings.refusal()
  assert.deepEqual(facts(refusal?.details), [[0, 'SourceStatus', '"a.bin": It answered 403.', 'a.bin']])
  assert.equal(refusal?.details[0]?.inner, status)
  assert.equal(refusal?.message, 'An import would fail: "a.bin": It answered 403.')
})

test('findings stand input by input, whenever they were found', () => {
  const findings = new CheckFindings()
  for (const item of [2, 0, 1, 0]) {
    findings.object(item, new AppError('TypeWrong', 'One.'))
    findings.warn(item, new AppError('Advice', 'One.'))
  }
  const items = (errors: readonly AppError[] = []) => errors.map(({ item }) => item)
  assert.deepEqual(items(findings.refusal()?.details), [0, 0, 1, 2])
  assert.deepEqual(items(findings.warnings()), [0, 0, 1, 2])
})

test('of very many, the first are told, and how many follow', () => {
  const findings = new CheckFindings()
  for (let i = 0; i < LIMITS.checkFindingsMax + 7; i += 1) findings.object(3, new AppError('TypeWrong', `Number ${i}.`))
  const { message, details = [] } = findings.refusal() ?? {}
  assert.equal(details.length, LIMITS.checkFindingsMax + 1)
  assert.match(details.at(-1)?.message ?? '', /^7 more like these follow/)
  assert.match(message ?? '', /\(and 1006 more, see details\)$/)
})
