import type { BrowserContextOptions, Page } from 'playwright-core'
import { openPage, type WatchedPage } from './browser.ts'
import { runAduana } from './run-aduana.ts'
import type { Aduana } from './start-aduana.ts'

/** Signs a new visitor in, and opens the import page. `httpUrl` is where the browser sees the server, if not where it is. */
export async function openImportPage(
  { folder, httpUrl: serverUrl }: Pick<Aduana, 'folder' | 'httpUrl'>,
  { httpUrl = serverUrl, ...options }: BrowserContextOptions & { httpUrl?: string } = {},
): Promise<WatchedPage> {
  const { stdout } = await runAduana(['link', '--data', folder, '--server', httpUrl])
  const visit = await openPage([httpUrl], options)
  const { page } = visit
  await page.goto(stdout.trim())
  await page.getByRole('heading', { name: 'Updates', exact: true }).waitFor()
  await page.goto(`${httpUrl}/instances/default/import`)
  await page.getByRole('heading', { name: 'Import update' }).waitFor()
  return visit
}

/** A file as `setInputFiles` takes it. */
export const asFile = (name: string, bytes: Uint8Array | string) => ({
  name,
  mimeType: 'application/octet-stream',
  buffer: Buffer.from(bytes as Uint8Array),
})

/** Chooses files, a folder or a manifest as the buttons do: the system's own dialogue is not of the page. */
export async function choose(
  page: Page,
  what: 'files' | 'folder' | 'manifest',
  given: Parameters<Page['setInputFiles']>[1],
): Promise<void> {
  await page.setInputFiles(`input[data-choose=${what}]`, given)
}

/** Drops files on the page, as far as scripts can: without folders. */
export async function drop(page: Page, files: readonly { name: string; text: string }[]): Promise<void> {
  // As text: what runs in the browser is no program for Node.
  await page.evaluate(`
    const data = new DataTransfer()
    for (const { name, text } of ${JSON.stringify(files)}) data.items.add(new File([text], name))
    for (const type of ['dragenter', 'dragover', 'drop']) {
      document.querySelector('main').dispatchEvent(new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }))
    }`)
}

/** Drops a folder that is on the disk, as a person does. */
export async function dropFolder(page: Page, path: string): Promise<void> {
  const session = await page.context().newCDPSession(page)
  const data = { items: [], files: [path], dragOperationsMask: 1 }
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
    await session.send('Input.dispatchDragEvent', { type, x: 640, y: 500, data })
  }
}

/** The id of the operation whose page has opened. */
export async function acceptedOperation(page: Page): Promise<string> {
  await page.waitForURL(/\/operations\/[^/]+$/, { timeout: 60_000 })
  return page.url().split('/').at(-1) ?? ''
}
