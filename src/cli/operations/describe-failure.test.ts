import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeFailure } from './describe-failure.ts'

test('the most precise sentence is said once, with its code and what to do', () => {
  const inner = { code: 'HashMismatch', message: '"a.swu" has another SHA-256.' }
  const error = {
    code: 'CannotProcessUpdateFile',
    message: 'Error processing source file.',
    target: 'a.swu',
    innererror: { code: 'ContentFileCannotDownload', message: 'cannot download', innerError: inner },
  }
  const [sentence, remedy, ...more] = describeFailure(error)
  assert.equal(sentence, '"a.swu" has another SHA-256. [HashMismatch]')
  assert.match(remedy ?? '', /^What to do: Check that the URL names the right file/)
  assert.deepEqual(more, [])
})

test('every mistake is a line with its place, and very many are counted', () => {
  const details = Array.from({ length: 30 }, (_, i) => ({
    code: 'MemberMissing',
    message: 'It lacks "x".',
    target: `/${i}`,
  }))
  const lines = describeFailure({
    code: 'CannotProcessImportManifest',
    message: 'Error processing import manifest.',
    details,
    innererror: { code: 'CannotParse', message: 'The import manifest breaks 30 rules.' },
  })
  assert.equal(lines[0], 'The import manifest breaks 30 rules. [CannotParse]')
  assert.equal(lines[1], '  /0: It lacks "x". [MemberMissing]')
  assert.equal(lines[21], '  and 10 more; --json names them.')
  assert.deepEqual(lines.slice(22), ['What to do: Add it.'])
})

test('a check says of which manifest each finding is, and no sum of them', () => {
  const details = [{ code: 'SourceStatus', message: 'It answered 404.', item: 1 }]
  const error = { code: 'ImportWouldFail', message: 'An import would fail: …', details }
  assert.equal(
    describeFailure(error, { titleOf: (item) => `m${item}.json` })[0],
    '  m1.json: It answered 404. [SourceStatus]',
  )
})

test('a code that is not known here is said all the same', () => {
  assert.deepEqual(describeFailure({ code: 'Newer', message: 'Something new.' }), ['Something new. [Newer]'])
})
