// Signing in at an issuer of somebody else by authorization code with PKCE, in a real browser.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { closeBrowser, openPage } from '../../support/browser.ts'
import { type BrowserIssuer, startBrowserIssuer } from '../../support/browser-issuer.ts'
import { buildPortal } from '../../support/built-portal.ts'
import { checkAccessibility } from '../../support/check-accessibility.ts'
import { eventually } from '../../support/operation-end.ts'
import { type Aduana, startAduana } from '../../support/start-aduana.ts'

const AUDIENCE = 'https://api.adu.microsoft.com'

describe('the portal of a server with an OIDC issuer', () => {
  let issuer: BrowserIssuer
  let aduana: Aduana
  before(async () => {
    await buildPortal()
    issuer = await startBrowserIssuer({ audience: AUDIENCE, tokenSeconds: 10 })
    const identity = ['--oidc-issuer', issuer.url, '--oidc-audience', AUDIENCE, '--oidc-client-id', issuer.clientId]
    aduana = await startAduana({ flags: ['--instance', 'blue', '--instance', 'green', ...identity] })
    issuer.redirectUri = `${aduana.httpUrl}/`
  })
  after(async () => {
    await closeBrowser()
    await aduana?.[Symbol.asyncDispose]()
    await issuer?.[Symbol.asyncDispose]()
  })

  const visit = () => openPage([aduana.httpUrl, issuer.url])

  test('signs in, comes back to the page that was asked for, renews the token, and stays signed in when it is loaded again', async () => {
    await using visitor = await visit()
    const { page, faults, requests } = visitor
    await page.goto(`${aduana.httpUrl}/instances/green/operations?status=Failed`)
    await checkAccessibility(page, 'the sign-in page')
    await page.getByRole('button', { name: `Sign in at ${new URL(issuer.url).host}` }).click()
    await page.getByRole('heading', { name: 'Operations' }).waitFor()
    assert.equal(page.url(), `${aduana.httpUrl}/instances/green/operations?status=Failed`)
    assert.deepEqual(issuer.grants, ['authorization_code'])

    await eventually('the token is renewed', () => issuer.grants.includes('refresh_token'), 20_000)
    await page.getByRole('link', { name: 'Storage' }).click()
    await page.getByText('Nothing is stored').waitFor()
    await page.reload()
    await page.getByText('Nothing is stored').waitFor()

    // Neither the code nor a token was in an address that this server was asked for.
    const asked = requests.filter((request) => request.includes(aduana.httpUrl))
    assert.ok(asked.every((request) => !/[?&#](code|state|access_token)=/.test(request)))
    assert.deepEqual(faults, [])

    await page.getByRole('button', { name: 'Account' }).click()
    await page.getByText('ana', { exact: true }).waitFor()
    await page.getByRole('menuitem', { name: 'Sign out' }).click()
    await page.getByText('You are signed out').waitFor()
    const kept = () => page.evaluate('Object.values(sessionStorage).filter((value) => /token/.test(value)).length')
    await eventually('nothing of the tokens is kept', async () => (await kept()) === 0)
    await page.reload()
    await page.getByRole('heading', { name: 'Sign in to Aduana' }).waitFor()
  })

  test('says what the issuer said when it refuses, and whom to ask where somebody has no role', async () => {
    await using visitor = await visit()
    const { page, faults } = visitor
    const signIn = () => page.getByRole('button', { name: /^Sign in at/ }).click()
    issuer.isWilling = false
    try {
      await page.goto(aduana.httpUrl)
      await signIn()
      await page.getByText('The issuer did not sign you in').waitFor()
      await page.getByText('Not today.').waitFor()
      assert.equal(new URL(page.url()).hash, '')
    } finally {
      issuer.isWilling = true
    }
    issuer.roles = []
    try {
      await signIn()
      await page.getByRole('heading', { name: 'No instance for you yet' }).waitFor()
      await page.getByText('ana', { exact: true }).waitFor()
      await checkAccessibility(page, 'the page of somebody without a role')
    } finally {
      issuer.roles = ['DeviceUpdateAdministrator']
    }
    assert.deepEqual(faults, [])
  })
})

test('a token that has ended takes away what is shown, and says so', async () => {
  await buildPortal()
  await using aduana = await startAduana()
  await using visitor = await openPage([aduana.httpUrl])
  const { page } = visitor
  await page.goto(aduana.httpUrl)
  const token = await aduana.token('--instance', 'default')
  const kept = { accessToken: token, expiresAt: Date.now() + 4000, via: 'link' }
  await page.evaluate(`sessionStorage.setItem('aduana.token', ${JSON.stringify(JSON.stringify(kept))})`)
  await page.reload()
  await page.getByRole('heading', { name: 'Updates' }).waitFor()
  await page.getByText('Your sign-in has ended').waitFor()
  assert.equal(await page.getByRole('heading', { name: 'Updates' }).count(), 0)
  assert.equal(await page.evaluate(`sessionStorage.getItem('aduana.token')`), null)
  await closeBrowser()
})
