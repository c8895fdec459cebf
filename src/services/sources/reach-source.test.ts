import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { breaking } from '../../../tests/support/breaking-source.ts'
import {
  answerRaw,
  answerStatus,
  type Behaviour,
  claimLength,
  type MisbehavingSource,
  sendMore,
  serveBytes,
  stall,
  startSource,
} from '../../../tests/support/misbehaving-source.ts'
import { type HttpSource, openHttpSource } from '../../adapters/source/source-http.ts'
import { createSourcePolicy, parseAllowedSource } from '../../adapters/source/source-policy.ts'
import { reachSource } from './reach-source.ts'

const BYTES = Buffer.alloc(4 * 1024 * 1024, 'many ')

describe('asking a source', () => {
  let source: MisbehavingSource
  let http: HttpSource
  before(async () => {
    source = await startSource()
    const policy = createSourcePolicy([parseAllowedSource('127.0.0.0/8')])
    http = openHttpSource({ policy, version: '0.0.0', limits: { silenceMs: 300 } })
  })
  after(async () => {
    await http?.close()
    await source?.[Symbol.asyncDispose]()
  })

  let asked = 0
  function ask(behaviour: Behaviour, { promised = BYTES.length, isKnown = true, triesMax = 1 } = {}) {
    asked += 1
    const url = source.at(`/${asked}`, behaviour)
    const { signal } = new AbortController()
    const retry = { triesMax, pauseMs: 1 }
    const sizeInBytes = isKnown ? promised : undefined
    return reachSource({ title: 'It', url, sizeInBytes }, { openSource: http.open, retry, signal })
  }

  const passing: [what: string, behaviour: Behaviour, isSizeStated: boolean][] = [
    ['that serves it', serveBytes(BYTES), true],
    ['that falls silent after the first byte', stall(BYTES, { afterBytes: 1 }), true],
    ['that does not say how much comes', sendMore(BYTES, { extraBytes: 0 }), false],
  ]
  for (const [what, behaviour, isSizeStated] of passing) {
    test(`${what} is left after the first bytes`, async () => {
      assert.deepEqual(await ask(behaviour), { isSizeStated })
      await source.idle()
    })
  }

  const failing: [what: string, behaviour: Behaviour, code: string][] = [
    ['that refuses', answerStatus(403), 'SourceStatus'],
    ['that has another size', serveBytes(BYTES.subarray(1)), 'SizeMismatch'],
    ['that sends more than was promised at once', sendMore(BYTES.subarray(0, 10), { extraBytes: 1 }), 'SizeMismatch'],
    ['that sends nothing', answerRaw('HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n'), 'SizeMismatch'],
    ['that never begins to send', stall(BYTES, { afterBytes: 0 }), 'SourceTimeout'],
  ]
  for (const [what, behaviour, code] of failing) {
    test(`${what} is told so`, async () => {
      await assert.rejects(ask(behaviour, { promised: what.includes('at once') ? 10 : BYTES.length }), { code })
    })
  }

  test('of which nothing is known tells only whether it can be had', async () => {
    assert.deepEqual(await ask(claimLength(BYTES, { claimedBytes: 7 }), { isKnown: false }), {
      isSizeStated: true,
    })
    await assert.rejects(ask(answerStatus(404), { isKnown: false }), { code: 'SourceStatus' })
  })

  test('that recovers is asked again, as by an import', async () => {
    assert.deepEqual(await ask(breaking(serveBytes(BYTES), [0]), { triesMax: 3 }), { isSizeStated: true })
  })
})
