import assert from 'node:assert/strict'
import { test } from 'node:test'
import { STORE_PATIENCE } from '../object-store/call-store.ts'
import { openAzblobAccount } from './azblob-account.ts'

const KEY = Buffer.from('a key').toString('base64')

test('the account is named as for the Azure CLI', async () => {
  for (const [env, url] of [
    [
      {
        AZURE_STORAGE_CONNECTION_STRING: `DefaultEndpointsProtocol=https;AccountName=one;AccountKey=${KEY};EndpointSuffix=core.windows.net`,
      },
      'https://one.blob.core.windows.net/',
    ],
    [{ AZURE_STORAGE_ACCOUNT: 'two', AZURE_STORAGE_KEY: KEY }, 'https://two.blob.core.windows.net/'],
    [
      { AZURE_STORAGE_ACCOUNT: 'two', AZURE_STORAGE_SAS_TOKEN: '?sv=2022&sig=x' },
      'https://two.blob.core.windows.net/?sv=2022&sig=x',
    ],
    [
      {
        AZURE_STORAGE_ACCOUNT: 'two',
        AZURE_STORAGE_KEY: KEY,
        AZURE_STORAGE_SERVICE_ENDPOINT: 'http://127.0.0.1:1/two',
      },
      'http://127.0.0.1:1/two',
    ],
    [{ AZURE_STORAGE_ACCOUNT: 'three' }, 'https://three.blob.core.windows.net/'],
  ] as const) {
    assert.equal((await openAzblobAccount(STORE_PATIENCE, env)).url, url)
  }
})

test('what does not fit is an error that does not repeat it', async () => {
  for (const [env, sentence] of [
    [{}, /No storage account is named\. Set AZURE_STORAGE_CONNECTION_STRING/],
    [{ AZURE_STORAGE_CONNECTION_STRING: 'AccountName=x;AccountKey' }, /is not a connection string/],
    [{ AZURE_STORAGE_CONNECTION_STRING: 'SECRET' }, /is not a connection string/],
    [{ AZURE_STORAGE_ACCOUNT: 'x', AZURE_STORAGE_KEY: 'SECRET key' }, /AZURE_STORAGE_KEY is not the base64 text/],
    [
      { AZURE_STORAGE_ACCOUNT: 'x', AZURE_STORAGE_SERVICE_ENDPOINT: 'x' },
      /AZURE_STORAGE_SERVICE_ENDPOINT is not a URL/,
    ],
  ] as const) {
    await assert.rejects(openAzblobAccount(STORE_PATIENCE, env), (error: Error) => {
      assert.match(error.message, sentence)
      assert.doesNotMatch(`${error.stack}`, /SECRET/)
      assert.equal(error.cause, undefined)
      return true
    })
  }
})
