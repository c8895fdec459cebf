import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { createContext, runInContext } from 'node:vm'
import { startAppInMemory } from '../../../tests/support/app-in-memory.ts'
import { LOGIN_SCRIPT } from './login-script.ts'

/** What the script did, in order. */
interface Page {
  steps: unknown[][]
  /** Changes the fragment, as a link in a tab that has the page already. */
  changeHash(hash: string): Promise<void>
}

/**
 * Runs the script with the parts of a browser that it may use, and no others: it would fail on a store or a cookie. Then Swagger UI
 * begins, as its own script makes it begin once the page is loaded.
 */
async function openPage(hash: string, answer: { status: number; body: object } | Error): Promise<Page> {
  const steps: unknown[][] = []
  const listeners: Record<string, () => void> = {}
  const element = { style: {}, setAttribute: () => {}, replaceChildren: () => {}, scrollIntoView: () => {} }
  const text = {
    style: {},
    set textContent(sentence: string) {
      steps.push(['say', sentence])
    },
  }
  const window: Record<string, unknown> = {
    location: { hash, pathname: '/docs', search: '' },
    history: { replaceState: (...args: unknown[]) => steps.push(['replaceState', ...args]) },
    async fetch(url: string, options: { body: string }) {
      steps.push(['fetch', url, options.body])
      if (answer instanceof Error) throw answer
      return { ok: answer.status === 200, status: answer.status, json: async () => answer.body }
    },
    document: {
      getElementById: (id: string) => (id === 'swagger-ui' ? { before: () => {} } : null),
      createElement: (tag: string) => (tag === 'p' ? text : element),
    },
    addEventListener(name: string, listener: () => void) {
      listeners[name] = listener
    },
    SwaggerUIBundle: Object.assign(
      ({ onComplete }: { onComplete: () => void }) => {
        queueMicrotask(onComplete)
        return { preauthorizeApiKey: (...args: unknown[]) => steps.push(['authorise', ...args]) }
      },
      { presets: {} },
    ),
  }
  window.window = window
  const context = createContext(window)
  runInContext(LOGIN_SCRIPT, context)
  runInContext('SwaggerUIBundle({ url: "/docs/json" }); if (!SwaggerUIBundle.presets) throw new Error()', context)
  await setImmediate()
  return {
    steps,
    async changeHash(next) {
      Object.assign(window.location as object, { hash: next })
      listeners.hashchange?.()
      await setImmediate()
    },
  }
}

const SIGNED_IN = { status: 200, body: { accessToken: 'token', expiresOn: '2030-01-01T00:00:00.0000000Z' } }
const EXCHANGE = ['fetch', '/aduana/v1/login', '{"code":"secret"}']
const FORGET = ['replaceState', null, '', '/docs']

describe('the script of the page', () => {
  test('removes the code from the address before anything else, and gives the token to Swagger UI', async () => {
    const { steps } = await openPage('#code=secret', SIGNED_IN)
    assert.deepEqual(steps.slice(0, 3), [FORGET, EXCHANGE, ['authorise', 'bearer', 'token']])
    assert.match(String(steps[3]?.[1]), /^You are signed in until .*20(30|29)/)
    assert.equal(steps.length, 4)
  })

  test('leaves fragments of Swagger UI alone, and takes a link that is opened later', async () => {
    const page = await openPage('#/Updates', SIGNED_IN)
    assert.deepEqual(page.steps, [])
    await page.changeHash('#code=secret')
    assert.deepEqual(page.steps[2], ['authorise', 'bearer', 'token'])
  })

  test('says in a sentence why a link did not sign in', async () => {
    const refused = { status: 403, body: { error: { message: 'The login link was used before.' } } }
    for (const [answer, sentence] of [
      [
        refused,
        /^This link did not sign you in\. The login link was used before\. For another link, run "aduana link"/,
      ],
      [{ status: 502, body: {} }, /answered with 502/],
      [new TypeError('Failed to fetch'), /The server does not answer/],
    ] as const) {
      const { steps } = await openPage('#code=secret', answer)
      assert.deepEqual(steps.slice(0, 2), [FORGET, EXCHANGE])
      assert.match(String(steps[2]?.[1]), sentence)
      assert.equal(steps.length, 3)
    }
  })

  test('is a file of its own, since the policy of the page allows none inside it, and nothing is stored', async () => {
    await using app = await startAppInMemory()
    const page = await app.ask('/docs', { role: '' })
    assert.match(String(page.headers['content-security-policy']), /script-src 'self' *;/)
    assert.match(String(page.headers['content-security-policy']), /default-src 'self'/)
    assert.match(page.text, /<script src="\/docs\/static\/theme\/login\.js"/)
    const scripts = [...page.text.matchAll(/<script[^>]*>([^<]*)/g)]
    assert.ok(scripts.length >= 4 && scripts.every(([, inside = '']) => inside.trim() === ''))
    const script = await app.ask('/docs/static/theme/login.js', { role: '' })
    assert.match(String(script.headers['content-type']), /^application\/javascript/)
    assert.equal(script.text, LOGIN_SCRIPT)
    const initializer = await app.ask('/docs/static/swagger-initializer.js', { role: '' })
    assert.match(initializer.text, /"persistAuthorization":false/)
  })
})
