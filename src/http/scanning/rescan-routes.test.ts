import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type AppInMemory, startAppInMemory } from '../../../tests/support/app-in-memory.ts'
import { wantRescan } from '../../store/blobs/rescans.ts'

const PATH = '/aduana/v1/default/rescan'

describe('a rescan', () => {
  let app: AppInMemory
  before(async () => {
    app = await startAppInMemory()
  })
  after(() => app[Symbol.asyncDispose]())

  test('that nobody asked for is not there', async () => {
    const answer = await app.ask(PATH)
    assert.equal(answer.status, 404)
    assert.equal(
      answer.json<{ error: { message: string } }>().error.message,
      'No rescan was asked for in this instance.',
    )
  })

  test('is asked for with a body of the right form, or without one; then the scanner counts', async () => {
    const post = (text?: string) =>
      app.fastify.inject({
        method: 'POST',
        url: PATH,
        headers: {
          authorization: 'Bearer DeviceUpdateAdministrator',
          ...(text !== undefined && { 'content-type': 'application/json' }),
        },
        ...(text !== undefined && { payload: text }),
      })
    for (const text of ['[]', '"everything"', '{"everything": "yes"}', '{"everything": 1}', 'null']) {
      const { statusCode, body } = await post(text)
      assert.deepEqual([statusCode, JSON.parse(body).error.code], [400, 'InvalidRequest'], text)
    }
    for (const text of [undefined, '', '{}', '{"everything": true}', '{"later": 1}']) {
      const { statusCode, body } = await post(text)
      assert.deepEqual([statusCode, JSON.parse(body).error.code], [409, 'ScannerNotConfigured'], text)
    }
  })

  test('that goes on says what holds it up', async () => {
    const audit = { action: 'rescan', instance: 'default', address: '127.0.0.1', traceId: '0'.repeat(32) } as const
    await wantRescan(app.database, { instance: 'default', audit })
    const { wantedDateTime, ...rest } = (await app.ask(PATH)).json<Record<string, unknown>>()
    assert.match(String(wantedDateTime), /^\d{4}-\d\d-\d\dT/)
    assert.deepEqual(rest, {
      total: 0,
      remaining: 0,
      infected: 0,
      notScanned: 0,
      infectedUpdates: [],
      problems: ['No malware scanner is configured.'],
    })
  })
})
