// Makes the pictures of docs/portal.md: `node scripts/screenshots.ts`. A real server is filled with updates and operations, and a real browser
// opens every page: light, dark, and as wide as a phone. With a folder as argument every page is shot there in each of the three.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { closeBrowser, openPage } from '../tests/support/browser.ts'
import { choose } from '../tests/support/open-import-page.ts'
import { KITCHEN, startPortal, TOASTER } from '../tests/support/start-portal.ts'

const FOLDER = join(import.meta.dirname, '../docs/screenshots')

const SCREENS: Readonly<Record<string, BrowserContextOptions>> = {
  light: { viewport: { width: 820, height: 500 } },
  dark: { viewport: { width: 820, height: 430 }, colorScheme: 'dark' },
  small: { viewport: { width: 360, height: 640 } },
  wide: { viewport: { width: 1180, height: 640 } },
}

/** Those that the documentation shows; few, since the repository keeps every version of them. */
const SHOWN = [
  'light updates',
  'light update',
  'dark operation',
  'dark failure',
  'light storage',
  'light deletion',
  'dark import',
  'wide form',
  'small updates',
  'light sign-in',
  'light tree',
  'light operations',
  'dark scan',
  'light audit',
]

await using portal = await startPortal({ hasScanner: true })
const { operations, aduana } = portal
const pathOf = ({ provider, name, version }: typeof TOASTER) => `updates/${provider}/${name}/${version}`

const PAGES: Readonly<Record<string, { path: string; act?: (page: Page) => Promise<void> }>> = {
  updates: { path: 'updates' },
  tree: {
    path: 'updates?view=tree',
    async act(page) {
      await page.getByRole('treeitem', { name: 'Contoso' }).click()
      await page.getByRole('treeitem', { name: 'Toaster' }).click()
      await page.getByRole('treeitem', { name: '1.10' }).waitFor()
    },
  },
  update: { path: pathOf(TOASTER) },
  deletion: {
    path: pathOf(KITCHEN),
    async act(page) {
      await page.getByRole('button', { name: 'Delete' }).click()
      await page.getByText('These updates go with it').waitFor()
    },
  },
  operations: { path: 'operations' },
  operation: { path: `operations/${operations.running}` },
  failure: { path: `operations/${operations.wrongManifest}` },
  storage: { path: 'storage' },
  scan: { path: 'scan' },
  audit: { path: 'audit' },
  import: {
    path: 'import',
    async act(page) {
      await choose(page, 'folder', join(import.meta.dirname, '../examples/bundle'))
      await page.getByText('As the manifest says').nth(4).waitFor()
    },
  },
  form: {
    path: 'import',
    async act(page) {
      const script = join(import.meta.dirname, '../examples/script')
      await choose(page, 'files', [join(script, 'install-file.sh'), join(script, 'toaster.conf')])
      await page.getByRole('combobox', { name: 'Provider' }).fill('Contoso')
      await page.getByRole('combobox', { name: 'Name', exact: true }).fill('Toaster-Settings')
      await page.getByRole('textbox', { name: 'Version' }).fill('1.2')
      await page.getByText('Filled in: install-file.sh').waitFor()
    },
  },
}

const everything = process.argv[2]
await mkdir(everything ?? FOLDER, { recursive: true })
for (const [screen, options] of Object.entries(SCREENS)) {
  await using visitor = await openPage([aduana.httpUrl], options)
  const { page } = visitor
  await page.goto(aduana.httpUrl)
  await page.getByText('aduana link').waitFor()
  await shoot(page, `${screen} sign-in`)
  await page.goto(await portal.link('--instance', 'blue', '--instance', 'green'))
  await page.getByRole('heading', { name: 'Updates' }).waitFor()
  for (const [name, { path, act }] of Object.entries(PAGES)) {
    if (everything === undefined && !SHOWN.includes(`${screen} ${name}`)) continue
    await page.goto(`${aduana.httpUrl}/instances/blue/${path}`)
    await page.getByRole('heading', { level: 1 }).waitFor()
    await page
      .getByText(/^Loading/)
      .first()
      .waitFor({ state: 'detached' })
    await act?.(page)
    await shoot(page, `${screen} ${name}`)
  }
}
await closeBrowser()

async function shoot(page: Page, name: string): Promise<void> {
  if (everything === undefined && !SHOWN.includes(name)) return
  // What fades in has come to its end, and no cursor blinks.
  const picture = await page.screenshot({ animations: 'disabled', caret: 'hide', fullPage: everything !== undefined })
  await writeFile(join(everything ?? FOLDER, `${name.replace(' ', '-')}.png`), picture)
}
