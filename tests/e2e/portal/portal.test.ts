// The portal in a real browser, with a real server: the way that everybody goes. The rest is in the slow tests beside this one.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { closeBrowser, openPage } from '../../support/browser.ts'
import { buildPortal } from '../../support/built-portal.ts'
import { checkAccessibility } from '../../support/check-accessibility.ts'
import { type MisbehavingSource, startSource } from '../../support/misbehaving-source.ts'
import { importAndWait } from '../../support/operation-end.ts'
import { publishUpdate } from '../../support/publish-update.ts'
import { runAduana } from '../../support/run-aduana.ts'
import { type Aduana, startAduana } from '../../support/start-aduana.ts'

let aduana: Aduana
let source: MisbehavingSource
before(async () => {
  await buildPortal()
  aduana = await startAduana()
  source = await startSource()
  const { input } = publishUpdate(source, { provider: 'Contoso', name: 'Toaster', version: '1.0' })
  const operation = await importAndWait(await aduana.client(), [input])
  assert.equal(operation.status, 'Succeeded')
})
after(async () => {
  await closeBrowser()
  await source?.[Symbol.asyncDispose]()
  await aduana?.[Symbol.asyncDispose]()
})

test('a link opens the portal signed in; the updates are there, and nothing but this server was asked', async () => {
  const { stdout } = await runAduana(['link', '--data', aduana.folder, '--server', aduana.httpUrl])
  await using visit = await openPage([aduana.httpUrl])
  const { page, faults, requests } = visit
  await page.goto(stdout.trim())
  await page.getByRole('link', { name: 'Toaster' }).waitFor()
  assert.equal(page.url(), `${aduana.httpUrl}/instances/default/updates`)
  assert.equal(await page.title(), 'Updates - Aduana')
  await checkAccessibility(page, 'the list of updates')
  assert.deepEqual(faults, [])
  assert.ok(requests.every((request) => !request.includes('code=') && !request.includes('access')))

  // The same link opens nothing a second time.
  await using again = await openPage([aduana.httpUrl])
  await again.page.goto(stdout.trim())
  await again.page.getByText('This link did not sign you in').waitFor()
  assert.equal(new URL(again.page.url()).hash, '')
  await checkAccessibility(again.page, 'the sign-in page')
  assert.deepEqual(again.faults, [])
})
