// Every page of the portal in a real browser: what it shows, for everybody, on every screen.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import { formatUpdateId, type UpdateId } from '../../../src/domain/update-id.ts'
import { closeBrowser, openPage, type WatchedPage } from '../../support/browser.ts'
import { checkAccessibility } from '../../support/check-accessibility.ts'
import {
  HOSTILE,
  KITCHEN,
  LONG_NAME,
  type PortalServer,
  SENSOR,
  STRANGE,
  startPortal,
  TOASTER,
} from '../../support/start-portal.ts'

const pathOf = ({ provider, name, version }: UpdateId) => `updates/${provider}/${name}/${version}`

/** What the first visit may cost, compressed. */
const FIRST_LOAD_BYTES_MAX = 500_000

describe('the portal', () => {
  let portal: PortalServer
  let origin: string
  before(async () => {
    portal = await startPortal({ hasScanner: true })
    origin = portal.aduana.httpUrl
  })
  after(async () => {
    await closeBrowser()
    await portal?.[Symbol.asyncDispose]()
  })

  const BOTH = ['--instance', 'blue', '--instance', 'green']

  /** A visitor who is signed in, at the updates of `blue`. */
  async function visit(options: Parameters<typeof openPage>[1] = {}, ...flags: string[]): Promise<WatchedPage> {
    const visitor = await openPage([origin], options)
    await visitor.page.goto(await portal.link(...(flags.length > 0 ? flags : BOTH)))
    await visitor.page.getByRole('heading', { name: 'Updates' }).waitFor()
    return visitor
  }

  async function open(page: Page, path: string): Promise<void> {
    await page.goto(`${origin}/instances/blue/${path}`)
    await page.getByRole('heading', { level: 1 }).waitFor()
    await page
      .getByText(/^Loading/)
      .first()
      .waitFor({ state: 'detached' })
  }

  const everyPage = () => [
    'updates',
    'updates?view=tree',
    'updates?search=nothing-has-this',
    pathOf(KITCHEN),
    pathOf(STRANGE),
    pathOf({ ...TOASTER, version: '9.9' }),
    'operations',
    `operations/${portal.operations.wrongHash}`,
    `operations/${portal.operations.wrongManifest}`,
    `operations/${portal.operations.running}`,
    'storage',
    'scan',
    'audit',
    'import',
    'no/such/page',
  ]

  for (const [theme, options] of Object.entries({
    'the light theme': {},
    'the dark theme': { colorScheme: 'dark' as const },
    'a screen 360 pixels wide': { viewport: { width: 360, height: 640 } },
  })) {
    test(`has nothing on any page that keeps anybody out, nor wider than the screen, in ${theme}`, async () => {
      await using visitor = await visit(options)
      const { page, faults } = visitor
      for (const path of everyPage()) {
        await open(page, path)
        await checkAccessibility(page, `${path} in ${theme}`)
        const width = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
        assert.ok(Number(width) <= 0, `${path} is ${width} pixels too wide`)
      }
      assert.deepEqual(faults, [])
    })
  }

  test('weighs less than its budget at the first visit, and loads no page that is not opened', async (t) => {
    const visitor = await openPage([origin])
    await using _ = visitor
    const names: string[] = []
    const sizes: Promise<number>[] = []
    visitor.page.on('requestfinished', (request) => {
      const { pathname } = new URL(request.url())
      if (!pathname.startsWith('/assets/') && pathname !== '/') return
      names.push(pathname)
      sizes.push(request.sizes().then(({ responseBodySize }) => responseBodySize))
    })
    await visitor.page.goto(await portal.link(...BOTH))
    await visitor.page.getByText('6 updates in all.').waitFor()
    const bytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
    t.diagnostic(`${bytes} bytes in ${sizes.length} files`)
    assert.ok(bytes > 50_000 && bytes < FIRST_LOAD_BYTES_MAX, `${bytes} bytes`)
    for (const other of ['storage-page', 'audit-page', 'operation-page', 'import-page', 'sign-in-at-issuer']) {
      assert.ok(!names.some((name) => name.includes(other)), other)
    }
  })

  test('shows the text of others as text', async () => {
    await using visitor = await visit()
    const { page, faults } = visitor
    await open(page, pathOf(STRANGE))
    assert.equal(await page.getByText(HOSTILE, { exact: true }).count(), 2, 'friendly name and description')
    assert.equal(await page.title(), `Fabrikam ${LONG_NAME} 1.0.0.1 - Aduana`)
    await page.getByRole('button', { name: 'Show the import manifest' }).click()
    const manifest = page.getByRole('region', { name: 'Import manifest to the letter' })
    await manifest.waitFor()
    assert.ok((await manifest.innerText()).includes('<script>alert(1)</script>'))
    assert.deepEqual(faults, [])
  })

  test('finds updates by what they are called, and by whether they are deployable; the question stands in the address', async () => {
    await using visitor = await visit()
    const { page } = visitor
    const search = page.getByRole('searchbox')
    await search.fill('toast 1.9')
    await page.getByText('1 update in all.').waitFor()
    await page.getByRole('link', { name: 'Contoso/Toaster/1.9' }).waitFor()
    assert.equal(new URL(page.url()).searchParams.get('search'), 'toast 1.9')
    await page.reload()
    await page.getByText('1 update in all.').waitFor()
    await search.fill('')
    await page.getByLabel('Deployable').selectOption('no')
    await page.getByText('1 update in all.').waitFor()
    await page.getByRole('link', { name: formatUpdateId(SENSOR) }).waitFor()
    await search.fill('nothing-has-this')
    await page.getByText('No update matches.').waitFor()
    // The way back to everything.
    await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Updates' }).click()
    await page.getByText('6 updates in all.').waitFor()
    assert.equal(await search.inputValue(), '')
  })

  test('has the updates as a tree that is walked by the keyboard alone', async () => {
    await using visitor = await visit()
    const { page } = visitor
    await page.getByRole('tab', { name: 'By provider' }).focus()
    await page.keyboard.press('Enter')
    await page.getByRole('treeitem', { name: 'Contoso' }).waitFor()
    await page.keyboard.press('Tab')
    await page.keyboard.press('ArrowRight')
    await page.getByRole('treeitem', { name: 'Kitchen' }).waitFor()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowRight')
    await page.getByRole('treeitem', { name: '1.10' }).waitFor()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Contoso Toaster 1.10' }).waitFor()
    // Who comes to another page is at its beginning.
    assert.equal(await page.evaluate('document.activeElement.textContent'), 'Contoso Toaster 1.10')
  })

  test('is used by the keyboard alone, from the first stop to a deletion that is not confirmed', async () => {
    await using visitor = await visit()
    const { page } = visitor
    await page.reload()
    await page.getByRole('link', { name: 'Contoso/Kitchen/2.0' }).waitFor()
    await page.keyboard.press('Tab')
    assert.equal(await page.evaluate('document.activeElement.textContent'), 'Skip to the content')
    await page.keyboard.press('Enter')
    assert.equal(await page.evaluate('document.activeElement.id'), 'content')
    await page.getByRole('link', { name: 'Contoso/Kitchen/2.0' }).focus()
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Contoso Kitchen 2.0' }).waitFor()
    const erase = page.getByRole('button', { name: 'Delete' })
    await erase.focus()
    await page.keyboard.press('Enter')
    const dialog = page.getByRole('dialog', { name: 'Delete Contoso/Kitchen/2.0?' })
    await dialog.getByText('These updates go with it').waitFor()
    await checkAccessibility(page, 'the dialog of a deletion')
    await dialog.getByRole('link', { name: formatUpdateId(SENSOR) }).waitFor()
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    assert.equal(await page.evaluate('document.activeElement.textContent'), 'Delete')
  })

  test('says what is in use, and what is not deleted for that', async () => {
    await using visitor = await visit()
    const { page } = visitor
    await open(page, pathOf(SENSOR))
    await page.getByRole('link', { name: formatUpdateId(KITCHEN) }).waitFor()
    await page.getByRole('button', { name: 'Delete' }).click()
    const dialog = page.getByRole('dialog', { name: 'Fabrikam/Sensor/3.1 is in use' })
    await dialog.getByText('these updates reference it').waitFor()
    assert.equal(await dialog.getByRole('button', { name: 'Delete' }).count(), 0)
  })

  test('deletes an update, and shows how that goes', async () => {
    await using visitor = await visit()
    const { page, faults } = visitor
    await open(page, pathOf({ ...TOASTER, version: '1.8' }))
    await page.getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click()
    await page.getByRole('heading', { name: 'Deletion of Contoso/Toaster/1.8' }).waitFor()
    await page.getByText('The update is deleted.').waitFor()
    await page.getByRole('link', { name: 'Updates' }).click()
    await page.getByText('5 updates in all.').waitFor()
    assert.deepEqual(faults, [])
  })

  test('shows an import as it goes on, and tells why one failed and what to do', async () => {
    await using visitor = await visit()
    const { page, requests, faults } = visitor
    await open(page, `operations/${portal.operations.running}`)
    await page.getByText('1 of 2 files are done.').waitFor()
    await page.getByRole('progressbar', { name: 'Progress of toaster-os-2.0.swu' }).waitFor()
    const asked = requests.length
    await page.waitForTimeout(2500)
    assert.equal(requests.length, asked, 'the server tells; nobody asks')

    await open(page, `operations/${portal.operations.wrongHash}`)
    await page.getByText('HashMismatch').waitFor()
    await page.getByText('Check that the URL names the right file').waitFor()
    await open(page, `operations/${portal.operations.wrongManifest}`)
    await page.getByText('The manifest lacks "compatibility"').waitFor()
    await page.getByText('/instructions/steps/0/handler', { exact: true }).waitFor()
    assert.deepEqual(faults, [])
  })

  test('switches the instance, and shows to readers what readers may do', async () => {
    await using visitor = await visit()
    const { page } = visitor
    await page.getByLabel('Instance').selectOption('green')
    await page.getByText('Instance green has no updates yet.').waitFor()
    assert.equal(page.url(), `${origin}/instances/green/updates`)
    await using reader = await visit({}, '--role', 'Device Update Content Reader', '--instance', 'blue')
    await open(reader.page, pathOf(TOASTER))
    await reader.page.getByRole('heading', { name: 'Files' }).waitFor()
    assert.equal(await reader.page.getByRole('button', { name: 'Delete' }).count(), 0)
    assert.deepEqual(await reader.page.getByRole('navigation', { name: 'Pages' }).getByRole('link').allInnerTexts(), [
      'Updates',
      'Operations',
      'Storage',
      'Malware scan',
    ])
    await reader.page.goto(`${origin}/instances/green/updates`)
    await reader.page.getByText('There is no such instance, or you have no role in it.').waitFor()
    assert.deepEqual(reader.faults, [])
  })

  test('scans again what is imported, where there is a scanner', async (t) => {
    await using visitor = await visit()
    const { page } = visitor
    if ((await page.getByRole('link', { name: 'Malware scan' }).count()) === 0) return t.skip('clamd is not installed')
    await open(page, 'scan')
    await page.getByLabel('Also what was scanned').check()
    await page.getByRole('button', { name: 'Scan again' }).click()
    await page.getByText('The scan has ended.').waitFor()
  })

  test('is light or dark as the visitor chooses, and remembers it', async () => {
    await using visitor = await visit()
    const { page } = visitor
    const scheme = () => page.evaluate('document.documentElement.style.colorScheme')
    assert.equal(await scheme(), 'light')
    await page.getByRole('button', { name: 'Theme' }).click()
    await checkAccessibility(page, 'the menu of themes')
    await page.getByRole('menuitemradio', { name: 'Dark' }).click()
    await page.reload()
    await page.getByRole('heading', { name: 'Updates' }).waitFor()
    assert.equal(await scheme(), 'dark')
  })

  test('says so when the server is away, and goes on when it is back', async () => {
    await using visitor = await visit()
    const { page } = visitor
    await page.route('**/aduana/v1/blue/usage', (route) => route.abort())
    await page.getByRole('link', { name: 'Storage' }).click()
    await page.getByText('The server does not answer.').waitFor()
    await page.unroute('**/aduana/v1/blue/usage')
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByText('What takes most').waitFor()
  })
})
