// What fuzzing has found wrong, each as an ordinary test.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startAppInMemory } from '../support/app-in-memory.ts'

test('a page of the description whose name is too long, or none, is not found, and the answer says so in a sentence', async () => {
  await using app = await startAppInMemory()
  for (const name of ['9'.repeat(400), '%00']) {
    const { status, json } = await app.ask(`/docs/static/${name}`)
    assert.equal(status, 404)
    assert.deepEqual(json<{ error: object }>().error, { code: 'NotFound', message: 'There is nothing at this path.' })
  }
})
