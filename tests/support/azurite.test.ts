import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startAzurite } from './azurite.ts'

const MINUTE_MS = 60_000

test('a blob in Azurite is readable through a SAS URL and not without one', async () => {
  await using azurite = await startAzurite()
  await azurite.upload('updates', 'a folder/file 1.bin', Buffer.from('some bytes'))

  const url = azurite.sasUrl('updates', 'a folder/file 1.bin')
  const answer = await fetch(url)
  assert.equal(answer.status, 200)
  assert.equal(await answer.text(), 'some bytes')

  const unsigned = new URL(url)
  unsigned.search = ''
  assert.equal((await fetch(unsigned)).status, 403)
})

test('Azurite refuses a SAS URL that has expired, is not valid yet, or does not allow reading', async () => {
  await using azurite = await startAzurite()
  await azurite.upload('updates', 'file.bin', Buffer.from('some bytes'))

  const now = Date.now()
  const refused = {
    expired: azurite.sasUrl('updates', 'file.bin', { expiresOn: new Date(now - MINUTE_MS) }),
    early: azurite.sasUrl('updates', 'file.bin', { startsOn: new Date(now + 10 * MINUTE_MS) }),
    writeOnly: azurite.sasUrl('updates', 'file.bin', { permissions: 'w' }),
  }
  for (const [reason, url] of Object.entries(refused)) {
    assert.equal((await fetch(url)).status, 403, reason)
  }
})

test('a disposed Azurite no longer listens', async () => {
  const azurite = await startAzurite()
  await azurite[Symbol.asyncDispose]()
  await azurite[Symbol.asyncDispose]()
  await assert.rejects(fetch(azurite.blobEndpoint), TypeError)
})
