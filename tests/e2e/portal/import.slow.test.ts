// Every way to import in a real browser, and what goes wrong on the way.
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import { closeBrowser } from '../../support/browser.ts'
import { buildPortal } from '../../support/built-portal.ts'
import { checkAccessibility } from '../../support/check-accessibility.ts'
import {
  answerStatus,
  type MisbehavingSource,
  serveBytes,
  serveOtherBytes,
  startSource,
} from '../../support/misbehaving-source.ts'
import { acceptedOperation, asFile, choose, drop, dropFolder, openImportPage } from '../../support/open-import-page.ts'
import { operationEnd } from '../../support/operation-end.ts'
import { publishUpdate, SIGNATURE } from '../../support/publish-update.ts'
import { seededBytes } from '../../support/seeded-bytes.ts'
import { unpublishedUpdate } from '../../support/stage.ts'
import { type Aduana, startAduana } from '../../support/start-aduana.ts'
import { startTcpProxy } from '../../support/tcp-proxy.ts'

const EXAMPLES = join(import.meta.dirname, '../../../examples')
const MiB = 1024 * 1024

let folder: string
let aduana: Aduana
let source: MisbehavingSource
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'aduana-import-page-'))
  await buildPortal()
  aduana = await startAduana({ flags: ['--allow-source', '127.0.0.0/8', '--staging-max', '100MiB'] })
  source = await startSource()
})
after(async () => {
  await closeBrowser()
  await source?.[Symbol.asyncDispose]()
  await aduana?.[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

const importButton = (page: Page) => page.getByRole('button', { name: 'Import', exact: true })

async function succeeded(page: Page): Promise<void> {
  const operation = await operationEnd(await aduana.client(), await acceptedOperation(page))
  assert.equal(operation.status, 'Succeeded', JSON.stringify(operation.error))
}

async function stagedNames(): Promise<string[]> {
  const found = await Array.fromAsync((await aduana.client()).listStaged())
  return found.map(({ fileName }) => fileName).sort()
}

/** The same as files, for what is too much for a test to hand to the browser. Answers the folder. */
async function written(recipe: Parameters<typeof unpublishedUpdate>[0]): Promise<string> {
  const { manifestBytes, payloads } = unpublishedUpdate(recipe)
  const place = await mkdtemp(join(folder, 'update-'))
  await writeFile(join(place, 'a.importmanifest.json'), manifestBytes)
  for (const [name, bytes] of payloads) await writeFile(join(place, name), bytes)
  return place
}

/** The manifest and payload of an update that is published nowhere. */
function update(recipe: Parameters<typeof unpublishedUpdate>[0]) {
  const { manifestBytes, payloads, updateId } = unpublishedUpdate(recipe)
  const manifest = asFile('a.importmanifest.json', manifestBytes)
  return { updateId, manifest, payload: [...payloads].map(([name, bytes]) => asFile(name, bytes)) }
}

describe('with a manifest', () => {
  test('a folder with a parent, its children and a delta is imported at once, and is there byte by byte', async () => {
    const client = await aduana.client()
    await using visit = await openImportPage(aduana)
    const { page, faults } = visit
    await dropFolder(page, join(EXAMPLES, 'bundle'))
    await page.getByText('These 3 updates are imported together').waitFor()
    await page.getByText('bundle/previous/display-messages-1.0.json').waitFor()
    await checkAccessibility(page, 'manifests')
    await importButton(page).click()
    await succeeded(page)
    const display = await client.getUpdateWithContent({ provider: 'Contoso', name: 'Toaster-Display', version: '2.0' })
    for (const file of display.files.flatMap((one) => [one, ...(one.relatedFiles ?? [])])) {
      const bytes = Buffer.from(await (await fetch(file.contentUrl)).arrayBuffer())
      assert.deepEqual(bytes, await readFile(join(EXAMPLES, 'bundle', file.fileName)))
    }
    assert.deepEqual(display.referencedBy, [{ provider: 'Contoso', name: 'Toaster-Components', version: '2.0' }])
    assert.deepEqual(await stagedNames(), [])
    assert.deepEqual(faults, [])

    // Nobody needs an upload to be told that it is there already.
    await page.goto(`${aduana.httpUrl}/instances/default/import`)
    await choose(page, 'files', join(EXAMPLES, 'bundle/contoso.toaster-heater.2.0.importmanifest.json'))
    await page.getByText('This update is in the instance already').waitFor()
  })

  test('what is dropped is judged at once, in words and with its place; a missing file may come later', async () => {
    await using visit = await openImportPage(aduana)
    const { page, faults } = visit
    const { manifestBytes } = unpublishedUpdate({
      provider: 'Dropped',
      files: [{ name: 'toaster.swu', bytes: Buffer.from('toaster') }],
    })
    const text = Buffer.from(manifestBytes).toString()
    await drop(page, [{ name: 'a.importmanifest.json', text: text.replace('"Dropped"', '"Drop ped"') }])
    await page.getByText('/updateId/provider', { exact: true }).waitFor()
    await importButton(page).click()
    assert.match(await page.evaluate<string>('document.activeElement.textContent'), /The manifest has mistakes/)
    await checkAccessibility(page, 'a wrong manifest')

    await drop(page, [{ name: 'a.importmanifest.json', text }])
    await page.getByLabel('toaster.swu').waitFor()
    await importButton(page).click()
    const missing = page.getByRole('textbox', { name: /toaster\.swu/ })
    assert.ok(await missing.evaluate((field) => field.matches(':focus')))
    await drop(page, [{ name: 'toaster.swu', text: 'toaster' }])
    await page.getByText('As the manifest says').waitFor()
    await importButton(page).click()
    await succeeded(page)
    assert.deepEqual(faults, [])
  })

  test('other bytes than the manifest says are told before anything is uploaded', async () => {
    await using visit = await openImportPage(aduana)
    const { page, requests } = visit
    const { manifest } = update({ files: [{ name: 'toaster.swu', bytes: Buffer.from('right') }] })
    await choose(page, 'files', [manifest, asFile('toaster.swu', 'wrong')])
    await page.getByRole('alert').getByText('toaster.swu has the SHA-256').waitFor()
    await importButton(page).click()
    await page.getByText('Before this can be imported').waitFor()
    assert.ok(requests.every((request) => !request.includes('/staging')))
    await checkAccessibility(page, 'a wrong file')
  })

  test('a file that is not here may have a URL, which stays nowhere in the browser beyond the page', async () => {
    await using visit = await openImportPage(aduana)
    const { page, requests, faults } = visit
    const [near, far] = [seededBytes('near', 50_000), seededBytes('far', 70_000)]
    const behaviour = answerStatus(404)
    const recipe = {
      files: [
        { name: 'near.swu', bytes: near },
        { name: 'far.swu', bytes: far, behaviour },
      ],
    }
    const { input, manifestBytes, paths } = publishUpdate(source, recipe)
    await choose(page, 'files', [asFile('a.importmanifest.json', manifestBytes), asFile('near.swu', near)])
    await page.getByRole('textbox', { name: /far\.swu/ }).fill(input.files?.[1]?.url ?? '')
    await importButton(page).click()
    await page.getByText('It failed, and has changed nothing.').waitFor()

    // Nothing has to be chosen or entered again.
    source.at(paths.get('far.swu') ?? '', serveBytes(far))
    await page.getByRole('button', { name: 'Change and import again' }).click()
    await importButton(page).click()
    await page.getByText('The update is imported.').waitFor()
    assert.ok(requests.every((request) => !request.includes(SIGNATURE)))
    const kept = await page.evaluate<string>(
      'JSON.stringify([{ ...localStorage }, { ...sessionStorage }, history.state, location.href])',
    )
    assert.ok(!kept.includes(SIGNATURE))
    assert.deepEqual(faults, [])
  })

  test('hostile names are text, and are imported as they are', async () => {
    await using visit = await openImportPage(aduana)
    const { page, faults } = visit
    const name = '<img src=x onerror="document.title=1">.swu'
    const { manifest, payload } = update({ files: [{ name, bytes: Buffer.from('hostile') }] })
    await choose(page, 'files', [manifest, ...payload])
    await page.getByText(name, { exact: true }).waitFor()
    assert.equal(await page.title(), 'Import update - Aduana')
    assert.deepEqual(faults, [])
  })
})

describe('from URLs', () => {
  test('the manifest and its files are named by their addresses; size, hash and names come from the file', async () => {
    await using visit = await openImportPage(aduana)
    const { page, requests, faults } = visit
    const { input, manifestBytes } = publishUpdate(source)
    await page.getByRole('tab', { name: 'From URLs' }).click()
    await page.getByRole('textbox', { name: 'URL of the import manifest' }).fill(input.importManifest.url)
    await choose(page, 'manifest', [asFile('a.json', manifestBytes)])
    await page.getByText('Filled in the size, the hash and 1 file names').waitFor()
    await page.getByRole('textbox', { name: 'URL of file 1' }).fill(input.files?.[0]?.url ?? '')
    await checkAccessibility(page, 'URLs')
    await page.getByRole('button', { name: 'Check first' }).click()
    await page.getByText('Nothing speaks against this import.').waitFor()
    await importButton(page).click()
    await succeeded(page)
    assert.ok(requests.every((request) => !request.includes(SIGNATURE)))
    assert.deepEqual(faults, [])
  })

  test('what the server finds in a check is shown; an import that fails need not be entered anew', async () => {
    await using visit = await openImportPage(aduana)
    const { page } = visit
    const bytes = Buffer.from('what the manifest says')
    const { input, updateId, paths } = publishUpdate(source, {
      files: [
        {
          name: 'toaster.swu',
          bytes,
          behaviour: serveOtherBytes(Buffer.from('something longer than the manifest says')),
        },
      ],
    })
    await page.getByRole('tab', { name: 'From URLs' }).click()
    await page.getByRole('textbox', { name: 'URL of the import manifest' }).fill(input.importManifest.url)
    await page.getByRole('textbox', { name: 'Size in bytes' }).fill(String(input.importManifest.sizeInBytes))
    await page.getByRole('textbox', { name: 'SHA-256 in base64' }).fill(input.importManifest.hashes.sha256 ?? '')
    await page.getByRole('textbox', { name: 'File name 1' }).fill('toaster.swu')
    await page.getByRole('textbox', { name: 'URL of file 1' }).fill(input.files?.[0]?.url ?? '')
    await page.getByRole('button', { name: 'Check first' }).click()
    const result = page.getByRole('alert').filter({ hasText: 'The server would refuse this import.' })
    await result.getByText('SizeMismatch').waitFor()
    await checkAccessibility(page, 'a check that failed')
    await assert.rejects((await aduana.client()).getUpdate(updateId))

    // The operation tells the same of an import.
    await importButton(page).click()
    const operation = await operationEnd(await aduana.client(), await acceptedOperation(page))
    assert.equal(operation.status, 'Failed')

    // Somebody mends what lies there.
    source.at(paths.get('toaster.swu') ?? '', serveBytes(bytes))
    await page.getByRole('button', { name: 'Change and import again' }).click()
    const field = page.getByRole('textbox', { name: 'URL of file 1' })
    assert.equal(await field.inputValue(), input.files?.[0]?.url)
    await importButton(page).click()
    await page.getByText('The update is imported.').waitFor()
    assert.notEqual(await acceptedOperation(page), operation.operationId)
    assert.equal((await (await aduana.client()).getUpdate(updateId)).updateId.version, updateId.version)
  })
})

describe('uploads', () => {
  test('a lost connection is waited for, and a later visit goes on where this one stopped', async () => {
    await using proxy = await startTcpProxy({ targetPort: Number(new URL(aduana.httpUrl).port) })
    const httpUrl = `http://127.0.0.1:${proxy.port}`
    const place = await written({ files: [{ name: 'large.swu', bytes: seededBytes('large', 50 * MiB) }] })
    {
      await using visit = await openImportPage(aduana, { httpUrl })
      const { page } = visit
      await throttle(page, 20 * MiB)
      await choose(page, 'folder', place)
      await page.getByText('As the manifest says').waitFor({ timeout: 60_000 })
      await importButton(page).click()
      await received(10 * MiB)
      proxy.isRefusing = true
      proxy.reset()
      await page.getByText('The connection was lost; trying again').first().waitFor()
      await checkAccessibility(page, 'a lost connection')
      proxy.isRefusing = false
      await received(25 * MiB)
      // Whoever closes the page is asked; here it is closed all the same.
    }
    const before = await bytesReceived()
    assert.ok(before >= 25 * MiB)
    await using visit = await openImportPage(aduana, { httpUrl })
    const { page } = visit
    let sent = 0
    page.on('request', (request) => {
      if (request.method() === 'PATCH') sent = Number(request.headers()['upload-offset'])
    })
    await choose(page, 'folder', place)
    await page.getByText('As the manifest says').waitFor({ timeout: 60_000 })
    await importButton(page).click()
    await succeeded(page)
    assert.ok(sent >= before, `went on at ${sent}, and ${before} bytes were there`)
    assert.deepEqual(await stagedNames(), [])
  })

  test('leaving is asked about, and cancelling removes what was uploaded', async () => {
    await using visit = await openImportPage(aduana)
    const { page } = visit
    await throttle(page, 5 * MiB)
    const files = [{ name: 'cancelled.swu', bytes: seededBytes('cancelled', 40 * MiB) }]
    await choose(page, 'folder', await written({ files }))
    await page.getByText('As the manifest says').waitFor({ timeout: 60_000 })
    await importButton(page).click()
    await page.getByRole('progressbar', { name: 'cancelled.swu' }).waitFor()
    await checkAccessibility(page, 'an upload')
    const asked = page.waitForEvent('dialog')
    const click = page.getByRole('link', { name: 'Storage' }).click()
    await (await asked).dismiss()
    await click
    assert.match(page.url(), /\/import$/)
    await page.getByRole('button', { name: 'Cancel and remove what was uploaded' }).click()
    await importButton(page).waitFor()
    for (const deadline = Date.now() + 20_000; (await stagedNames()).length > 0; ) assert.ok(Date.now() < deadline)
  })

  test('a quota is told before a byte is sent', async () => {
    await using visit = await openImportPage(aduana)
    const { page, requests } = visit
    const files = ['a.swu', 'b.swu', 'c.swu'].map((name) => ({ name, bytes: seededBytes(name, 40 * MiB) }))
    await choose(page, 'folder', await written({ files }))
    await page.getByText('As the manifest says').nth(2).waitFor({ timeout: 60_000 })
    await importButton(page).click()
    await page.getByRole('alert').getByText('StagingFull').waitFor()
    assert.ok(requests.every((request) => !request.startsWith('PATCH')))
    assert.deepEqual(await stagedNames(), [])
  })

  async function bytesReceived(): Promise<number> {
    const [upload] = (await Array.fromAsync((await aduana.client()).listStaged())).toSorted(
      (a, b) => b.sizeInBytes - a.sizeInBytes,
    )
    return upload?.bytesReceived ?? 0
  }

  async function received(bytes: number): Promise<void> {
    for (const deadline = Date.now() + 60_000; (await bytesReceived()) < bytes; ) assert.ok(Date.now() < deadline)
  }
})

/** What the browser sends takes its time. */
async function throttle(page: Page, uploadBytesPerSecond: number): Promise<void> {
  const session = await page.context().newCDPSession(page)
  await session.send('Network.enable')
  const conditions = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: uploadBytesPerSecond }
  await session.send('Network.emulateNetworkConditions', conditions)
}

describe('the form', () => {
  test('tells mistakes at their fields while they are typed, and takes the focus to the first one', async () => {
    await using visit = await openImportPage(aduana)
    const { page } = visit
    await page.getByRole('tab', { name: 'Make the manifest here' }).click()
    const name = page.getByRole('combobox', { name: 'Name', exact: true })
    await name.fill('My toaster')
    await page.getByText('name is "My toaster", but must be made of letters a to z').waitFor()
    assert.equal(await name.getAttribute('aria-invalid'), 'true')
    await name.fill('x'.repeat(65))
    await page.getByText('name has 65 characters').waitFor()
    await importButton(page).click()
    assert.ok(await page.getByRole('combobox', { name: 'Provider' }).evaluate((field) => field.matches(':focus')))
    await page.getByText('Say which devices it is for').first().waitFor()
    await checkAccessibility(page, 'a form with mistakes')
  })

  test('is filled in by the keyboard alone, steps change places, and a reference is searched', async () => {
    const client = await aduana.client()
    await using visit = await openImportPage(aduana)
    const { page, faults } = visit
    const press = async (...keys: string[]) => {
      for (const key of keys) await page.keyboard.press(key)
    }
    const type = async (text: string) => await page.keyboard.type(text)
    await choose(page, 'files', [asFile('install.sh', '#!/bin/sh\n')])
    await page.getByText('Filled in: install.sh').waitFor()
    await page.getByRole('button', { name: 'Choose a folder' }).focus()
    await press('Tab')
    await type('Keyboard')
    await press('Tab')
    await type('Kitchen')
    await press('Tab')
    await type('3.0')
    await press('Tab')
    await type('Made without a mouse')
    // Deployable, the first property, its value, its button, the second property, its value.
    await press('Tab', 'Tab', 'Tab')
    await type('Contoso')
    await press('Tab', 'Tab', 'Tab')
    await type('Kitchen')
    await page.getByRole('button', { name: 'Add a reference to another update' }).focus()
    await press('Enter')
    await page.getByRole('combobox', { name: 'Update of step 2' }).focus()
    await type('Keyboard/Sensor/9.0')
    await page.getByText('Keyboard/Sensor/9.0 is not in this instance.').waitFor()
    await page.getByRole('button', { name: 'Move step 2 up' }).focus()
    await press('Enter')
    await page.locator('pre', { hasText: /"reference"[\s\S]*"inline"/ }).waitFor()
    await page.getByRole('button', { name: 'Remove step 1' }).focus()
    await press('Enter')
    await importButton(page).focus()
    await press('Enter')
    await succeeded(page)
    const { description } = await client.getUpdate({ provider: 'Keyboard', name: 'Kitchen', version: '3.0' })
    assert.equal(description, 'Made without a mouse')
    assert.deepEqual(faults, [])
  })
})

for (const colorScheme of ['light', 'dark'] as const) {
  test(`on a narrow screen, ${colorScheme}, nothing is cut off and everything is accessible`, async () => {
    await using visit = await openImportPage(aduana, { viewport: { width: 360, height: 740 }, colorScheme })
    const { page, faults } = visit
    const look = async (what: string) => {
      assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 360, what)
      await checkAccessibility(page, `${what}, ${colorScheme}`)
    }
    await look('the empty page')
    await choose(page, 'folder', join(EXAMPLES, 'bundle'))
    await page.getByText('As the manifest says').nth(4).waitFor()
    await look('manifests')
    await page.getByRole('tab', { name: 'Make the manifest here' }).click()
    await importButton(page).click()
    await page.getByText('Before this can be imported').waitFor()
    await look('the form')
    await page.getByRole('tab', { name: 'From URLs' }).click()
    await importButton(page).click()
    await page.getByText('Before this can be imported').waitFor()
    await look('URLs')
    assert.deepEqual(faults, [])
  })
}
