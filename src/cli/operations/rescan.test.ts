import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Rescan } from '../../client/api-types.ts'
import { exitCodeOf, lastLines } from './rescan.ts'

const ENDED: Rescan = {
  wantedDateTime: '2026-01-01T00:00:00Z',
  endedDateTime: '2026-01-01T00:00:01Z',
  total: 1,
  remaining: 0,
  infected: 0,
  notScanned: 0,
  infectedUpdates: [],
  problems: [],
}

test('the exit code tells clean from not scanned from infected, over all instances', () => {
  assert.equal(exitCodeOf([]), 0)
  assert.equal(exitCodeOf([ENDED, ENDED]), 0)
  assert.equal(exitCodeOf([{ ...ENDED, notScanned: 1 }, ENDED]), 3)
  assert.equal(
    exitCodeOf([
      { ...ENDED, notScanned: 1 },
      { ...ENDED, infected: 1 },
    ]),
    2,
  )
})

test('the last line is the sum, after the names of what is infected', () => {
  assert.deepEqual(lastLines('blue', { ...ENDED, total: 0 }), ['blue: there is nothing to scan.'])
  assert.deepEqual(lastLines('blue', ENDED), ['blue: 1 content, clean.'])
  assert.deepEqual(lastLines('blue', { ...ENDED, total: 40, notScanned: 2 }), [
    "blue: of 40 contents, 2 not scanned (the server's log says why).",
  ])
  const infectedUpdates = [{ provider: 'Contoso', name: 'Toaster', version: '1.0' }]
  assert.deepEqual(lastLines('blue', { ...ENDED, total: 40, infected: 1, notScanned: 2, infectedUpdates }), [
    'blue: infected: Contoso/Toaster/1.0',
    "blue: of 40 contents, 1 infected (withdrawn from /content, its updates marked), 2 not scanned (the server's log says why).",
  ])
})
