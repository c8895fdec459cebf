import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type AppInMemory, startAppInMemory } from '../../../tests/support/app-in-memory.ts'
import { seedEveryState } from '../../../tests/support/seed-every-state.ts'
import { AppError } from '../../domain/errors.ts'

let app: AppInMemory
before(async () => {
  app = await startAppInMemory()
  await seedEveryState(app.database, { traceId: '0'.repeat(32), instanceWithMany: 'default' })
})
after(() => app[Symbol.asyncDispose]())

test('a store that does not answer is a reason to come again, and where it is nobody learns who downloads', async () => {
  const [content] = await app.database.query('select content_id, file_name from files limit 1')
  const path = `/content/${content?.content_id}/${content?.file_name}`
  const away = async () => {
    throw new AppError('StoreFailed', 'The store s3://secret-bucket could not be read.', { mayRecover: true })
  }
  Object.assign(app.blobs, { open: away, size: away })
  for (const method of ['GET', 'HEAD']) {
    const answer = await app.ask(path, { method, role: '' })
    assert.equal(answer.status, 503)
    assert.ok(Number(answer.headers['retry-after']) > 0)
    assert.doesNotMatch(answer.text, /secret-bucket/)
  }
})
