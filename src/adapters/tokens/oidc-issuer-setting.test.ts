import assert from 'node:assert/strict'
import { test } from 'node:test'
import { issuerNames, parseOidcIssuer, signInScope } from './oidc-issuer-setting.ts'

const TENANT = '8eaef023-2b34-4da1-9baa-8bc8c9d6a490'

test('an issuer is its URL to the letter, and describes itself below it', () => {
  for (const url of [
    'https://id.example/realms/factory',
    'https://id.example/',
    'http://127.0.0.1:3000',
    'http://[::1]:3000',
  ]) {
    assert.deepEqual(parseOidcIssuer(url), {
      name: url,
      places: [{ issuer: url, discoveryUrl: `${url.replace(/\/$/, '')}/.well-known/openid-configuration` }],
      instances: ['*'],
    })
  }
})

test('instances after an equals sign bind the issuer to them', () => {
  const { name, instances } = parseOidcIssuer('https://id.example/a=b/realm=blue+green-2')
  assert.deepEqual({ name, instances }, { name: 'https://id.example/a=b/realm', instances: ['blue', 'green-2'] })
})

test('every form of an Entra tenant stands for both of its issuers, each with a description of its own', () => {
  const clouds = [
    ['login.microsoftonline.com', 'sts.windows.net'],
    ['login.microsoftonline.us', 'sts.windows.net'],
    ['login.partner.microsoftonline.cn', 'sts.chinacloudapi.cn'],
  ]
  for (const [login, sts] of clouds) {
    const authority = `https://${login}/${TENANT}`
    const places = [
      { issuer: `${authority}/v2.0`, discoveryUrl: `${authority}/v2.0/.well-known/openid-configuration` },
      { issuer: `https://${sts}/${TENANT}/`, discoveryUrl: `${authority}/.well-known/openid-configuration` },
    ]
    for (const form of [
      authority,
      `${authority}/`,
      `${authority}/v2.0`,
      `${authority.toUpperCase().replace('HTTPS', 'https')}`,
    ]) {
      assert.deepEqual(
        parseOidcIssuer(`${form}=blue`),
        { name: `${authority}/v2.0`, places, instances: ['blue'] },
        form,
      )
    }
  }
  assert.equal(
    parseOidcIssuer(`https://sts.windows.net/${TENANT}/`).places[1]?.issuer,
    `https://sts.windows.net/${TENANT}/`,
  )
})

test('an issuer is found by its name and by the iss of its tokens', () => {
  const name = `https://login.microsoftonline.com/${TENANT}/v2.0`
  const names = issuerNames([
    parseOidcIssuer(`https://sts.windows.net/${TENANT}/`),
    parseOidcIssuer('https://id.example'),
  ])
  assert.deepEqual(Object.fromEntries(names), {
    [name]: name,
    [`https://sts.windows.net/${TENANT}/`]: name,
    'https://id.example': 'https://id.example',
  })
})

test('the tenants of Entra that vouch for everybody are refused', () => {
  for (const tenant of ['common', 'organizations', 'Consumers', '9188040d-6c67-4c5b-b112-36a304b66dad']) {
    for (const url of [`https://login.microsoftonline.com/${tenant}/v2.0`, `https://sts.windows.net/${tenant}/`]) {
      assert.throws(() => parseOidcIssuer(url), /vouches for people of every organization.*Name your own tenant/)
    }
  }
})

test('an Entra tenant that is not named by its id is refused, since its tokens name it so', () => {
  for (const path of ['contoso.onmicrosoft.com/v2.0', '', `${TENANT}/v2.0/more`, `${TENANT}/v1.0`]) {
    assert.throws(() => parseOidcIssuer(`https://login.microsoftonline.com/${path}`), /named by the GUID of its tenant/)
  }
})

test('what is no safe URL is refused with a sentence', () => {
  const mistakes: [string, RegExp][] = [
    ['', /is no issuer/],
    ['id.example', /is no issuer/],
    ['https://id.example/?tenant=1', /is no issuer/],
    ['https://id.example/#x', /is no issuer/],
    ['https://user:secret@id.example', /is no issuer/],
    ['https://id.example/a b', /is no issuer/],
    ['http://id.example', /must be an https URL/],
    ['http://127.0.0.1.id.example', /must be an https URL/],
    ['ftp://localhost', /must be an https URL/],
    ['urn:example:issuer', /must be an https URL/],
    ['https://id.example=', /not an instance name/],
    ['https://id.example=Blue', /"Blue" in .* is not an instance name/],
    ['https://id.example=blue,green', /not an instance name/],
    ['https://id.example=*', /not an instance name/],
  ]
  for (const [text, message] of mistakes) assert.throws(() => parseOidcIssuer(text), message, text)
})

test('whoever signs in asks Entra ID for the scope of the API, and nobody else for a scope that it may not know', () => {
  const entra = parseOidcIssuer(`https://login.microsoftonline.com/${TENANT}`)
  assert.equal(signInScope(entra, 'api://aduana'), 'openid profile offline_access api://aduana/user_impersonation')
  assert.equal(signInScope(parseOidcIssuer('https://id.example'), 'aduana'), 'openid profile offline_access')
})
