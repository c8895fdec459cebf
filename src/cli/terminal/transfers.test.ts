import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRateMeter, summaryOf, transferLine } from './transfers.ts'

const half = { name: 'toaster.swu', phase: 'uploading', bytesDone: 500_000_000, sizeInBytes: 1_000_000_000 }
const meter = { bytesPerSecond: () => 25_000_000 }

test('a line has name, phase, bar, percentage, bytes, rate and the time that is left', () => {
  assert.equal(
    transferLine(half, { nameWidth: 12, width: 100, meter }),
    'toaster.swu   uploading     █████████████░░░░░░░░░░░░░   50 %  500 MB of 1.0 GB  25 MB/s  20 s left',
  )
})

test('a line is never wider than the terminal, and keeps name, phase and percentage longest', () => {
  for (let width = 1; width < 130; width += 1) {
    const line = transferLine(half, { nameWidth: 12, width, meter })
    assert.ok(line.length < Math.max(width, 2), `${width}: ${line}`)
  }
  assert.equal(transferLine(half, { nameWidth: 12, width: 36, meter }), 'toaster.swu   uploading      50 %')
  assert.equal(transferLine(half, { nameWidth: 12, width: 9, meter }), 'toaster…')
})

test('a name from a server cannot move the cursor', () => {
  const line = transferLine({ ...half, name: 'a\u009b2J' }, { nameWidth: 12, width: 80 })
  assert.doesNotMatch(line, /\p{Cc}/u)
})

test('what is done has no rate and no bar', () => {
  const done = { ...half, bytesDone: half.sizeInBytes, phase: 'done', isDone: true }
  assert.equal(transferLine(done, { nameWidth: 12, width: 100, meter }), 'toaster.swu   done          100 %  1.0 GB')
  assert.equal(summaryOf([half, done]), '1 of 2 files done, 1.5 GB of 2.0 GB (75 %)')
})

test('the rate is that of the last seconds, and begins anew with each phase', () => {
  let now = 0
  const rate = createRateMeter(() => now)
  rate.note('checking', 0)
  for (let i = 1; i <= 10; i += 1) {
    now += 1000
    rate.note('uploading', i < 6 ? i * 1000 : 5000 + (i - 5) * 10_000)
  }
  const measured = rate.bytesPerSecond() ?? 0
  assert.ok(measured > 8000 && measured <= 10_000, `${measured}`)
  rate.note('importing', 0)
  assert.equal(rate.bytesPerSecond(), undefined)
})
