import sparticuz from '@sparticuz/chromium'
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core'

/** A page of a browser that was watched from the beginning. */
export interface WatchedPage extends AsyncDisposable {
  page: Page
  context: BrowserContext
  /** What must not be: violations of the content security policy, errors of scripts, and requests to anywhere but the allowed origins. */
  faults: string[]
  /** Every request so far, as `GET https://…`. */
  requests: string[]
}

/** Runs in the browser before anything else. */
const TELL_VIOLATIONS = `document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI, sourceFile, lineNumber }) =>
  console.error('violates ' + violatedDirective + ': ' + blockedURI + ' at ' + sourceFile + ':' + lineNumber))`

let browser: Promise<Browser> | undefined

/** Not those that the package proposes: they switch off what keeps pages of different origins apart, and end with the first context. */
const ARGS = ['--no-sandbox', '--disable-gpu']

/** The real Chromium that the package brings along; one for all tests of a file. */
function launched(): Promise<Browser> {
  browser ??= sparticuz
    .executablePath()
    .then((executablePath) => chromium.launch({ executablePath, args: ARGS, headless: true }))
  return browser
}

/** Ends the browser; to be called when the tests of a file are done. */
export async function closeBrowser(): Promise<void> {
  await (await browser)?.close()
  browser = undefined
}

/** Opens an empty page of a visitor who was never here, and watches it. A request to an origin that is not allowed is not made. */
export async function openPage(origins: readonly string[], options: BrowserContextOptions = {}): Promise<WatchedPage> {
  const context = await (await launched()).newContext({
    viewport: { width: 1280, height: 900 },
    locale: 'en-GB',
    timezoneId: 'UTC',
    ...options,
  })
  const faults: string[] = []
  const requests: string[] = []
  await context.route('**/*', (route) => {
    const url = new URL(route.request().url())
    if (origins.includes(url.origin)) return route.continue()
    faults.push(`asked ${url.href}`)
    return route.abort()
  })
  await context.addInitScript(TELL_VIOLATIONS)
  const page = await context.newPage()
  page.setDefaultTimeout(20_000)
  page.on('request', (request) => requests.push(`${request.method()} ${request.url()}`))
  page.on('pageerror', (error) => faults.push(`threw ${error.message}`))
  page.on('console', (message) => {
    // An answer that is a refusal is told by the browser, too, and is no fault of the page.
    const isAnswer = message.text().startsWith('Failed to load resource: the server responded')
    if (message.type() === 'error' && !isAnswer) faults.push(message.text())
  })
  return {
    page,
    context,
    faults,
    requests,
    [Symbol.asyncDispose]: () => context.close(),
  }
}
