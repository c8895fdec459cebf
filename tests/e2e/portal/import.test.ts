// Importing in a real browser, with a real server: from two files to an update. The rest is in the slow tests beside this one.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { closeBrowser } from '../../support/browser.ts'
import { buildPortal } from '../../support/built-portal.ts'
import { checkAccessibility } from '../../support/check-accessibility.ts'
import { acceptedOperation, asFile, choose, openImportPage } from '../../support/open-import-page.ts'
import { operationEnd } from '../../support/operation-end.ts'
import { type Aduana, startAduana } from '../../support/start-aduana.ts'

let aduana: Aduana
before(async () => {
  await buildPortal()
  aduana = await startAduana()
})
after(async () => {
  await closeBrowser()
  await aduana?.[Symbol.asyncDispose]()
})

test('two files become an update by the form alone, byte by byte', async () => {
  const client = await aduana.client()
  await using visit = await openImportPage(aduana)
  const { page, faults, requests } = visit
  const script = '#!/bin/sh\nexit 0\n'
  const settings = Buffer.from(Array.from({ length: 5000 }, (_one, i) => i % 256))
  await choose(page, 'files', [asFile('install.sh', script), asFile('toaster.conf', settings)])
  await page.getByRole('combobox', { name: 'Provider' }).fill('Contoso')
  await page.getByRole('combobox', { name: 'Name', exact: true }).fill('Toaster')
  await page.getByRole('textbox', { name: 'Version' }).fill('1.2')
  await page.getByRole('textbox', { name: 'Value of manufacturer' }).fill('Contoso')
  await page.getByRole('textbox', { name: 'Value of model' }).fill('Toaster')
  await page.getByText('Filled in: install.sh').waitFor()
  await page.locator('pre', { hasText: '"scriptFileName": "install.sh"' }).waitFor()
  await checkAccessibility(page, 'the form, filled in')
  await page.getByRole('button', { name: 'Import', exact: true }).click()
  const operation = await operationEnd(client, await acceptedOperation(page))
  assert.equal(operation.status, 'Succeeded', JSON.stringify(operation.error))

  const update = await client.getUpdateWithContent({ provider: 'Contoso', name: 'Toaster', version: '1.2' })
  assert.equal(update.manifestVersion, '5.0')
  const contents = await Promise.all(
    update.files.map(async ({ fileName, contentUrl }) => {
      return [fileName, Buffer.from(await (await fetch(contentUrl)).arrayBuffer())] as const
    }),
  )
  assert.deepEqual(
    new Map(contents),
    new Map([
      ['install.sh', Buffer.from(script)],
      ['toaster.conf', settings],
    ]),
  )
  assert.deepEqual(await Array.fromAsync(client.listStaged()), [])
  assert.deepEqual(faults, [])
  assert.ok(requests.every((request) => !request.includes('access')))
})
