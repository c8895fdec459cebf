// `aduana login` against a real issuer: by a device code, with tokens that are renewed, for a real server.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { PEOPLE, type RunningOidcIssuer, startOidcIssuer } from '../support/oidc-issuer.ts'
import { eventually } from '../support/operation-end.ts'
import { runAduana } from '../support/run-aduana.ts'
import { type Aduana, startAduana } from '../support/start-aduana.ts'
import { openTerminal } from '../support/terminal.ts'

const AUDIENCE = 'https://api.adu.microsoft.com'
const folder = mkdtempSync(join(tmpdir(), 'aduana-cli-login-'))
after(() => rmSync(folder, { recursive: true }))
const env = { XDG_STATE_HOME: folder }
const loginsFile = join(folder, 'aduana', 'logins.json')
const loginAt = (url: string) => JSON.parse(readFileSync(loginsFile, 'utf8'))[url]

let issuer: RunningOidcIssuer
let server: Aduana
before(async () => {
  // A token that is renewed before it is used at all: it would end within the minute that a request may take.
  issuer = await startOidcIssuer({ audience: AUDIENCE, tokenSeconds: 30 })
  const flags = ['--oidc-issuer', issuer.url, '--oidc-audience', AUDIENCE]
  server = await startAduana({ flags: [...flags, '--oidc-client-id', PEOPLE], inFolder: true })
})
after(async () => {
  await server?.[Symbol.asyncDispose]()
  await issuer?.[Symbol.asyncDispose]()
})

const aduana = (...args: string[]) => runAduana([...args, '--server', server.httpUrl], { env, cwd: folder })
const ana = { subject: 'ana', claims: { roles: ['DeviceUpdateReader'] } }

test('a person signs in by a code, is who they are, and signs out', async () => {
  await using terminal = openTerminal(['login', '--server', server.httpUrl], { env })
  await terminal.until(/Open this page in a browser[\s\S]*enter|see that it shows/)
  await terminal.until(/the code:\s+\S+/)
  const [, code = ''] = /the code:\s+(\S+)/.exec(terminal.output()) ?? []
  await issuer.enterCode(code, ana)
  const { status, screen } = await terminal.end()
  assert.equal(status, 0, screen)
  assert.match(screen, new RegExp(`at ${issuer.url} as the client "${PEOPLE}"`))
  assert.match(screen, new RegExp(`Signed in at ${server.httpUrl} as ana\\.`))
  assert.equal(statSync(loginsFile).mode & 0o777, 0o600)
  assert.equal(statSync(join(folder, 'aduana')).mode & 0o777, 0o700)

  const first = loginAt(server.httpUrl)
  const listed = await aduana('list')
  assert.deepEqual([listed.status, listed.stdout], [0, ''], listed.stderr)
  const renewed = loginAt(server.httpUrl)
  assert.notEqual(renewed.accessToken, first.accessToken)
  assert.notEqual(renewed.refreshToken, first.refreshToken)
  const forbidden = await aduana('delete', 'a/b/1.0', '--yes')
  assert.equal(forbidden.status, 1)

  // Each process renews the token, or uses what another one has renewed: the issuer takes a refresh token once.
  const several = await Promise.all([aduana('list'), aduana('list'), aduana('operations')])
  assert.deepEqual(
    several.map(({ status: each, stderr }) => [each, stderr.includes('ended')]),
    Array(3).fill([0, false]),
  )

  assert.match((await aduana('logout')).stdout, /^Signed out at /)
  assert.equal(loginAt(server.httpUrl), undefined)
  const after = await aduana('list')
  assert.equal(after.status, 1)
  assert.match(after.stderr, /Nobody is signed in/)
  assert.match((await aduana('logout', '--json')).stdout, /"wasSignedIn":false/)
})

/** Begins a login with --json, and answers its code and its end. */
async function beginLogin(...args: string[]) {
  const child = spawn(
    process.execPath,
    [new URL('../../bin/aduana.js', import.meta.url).pathname, 'login', '--server', server.httpUrl, '--json', ...args],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env }, cwd: folder },
  )
  let stderr = ''
  child.stderr.on('data', (text) => {
    stderr += text
  })
  const lines: string[] = []
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line))
  const closed = once(child, 'close')
  await eventually('there is a code', () => lines.length > 0)
  return {
    code: JSON.parse(lines[0] ?? '').userCode as string,
    async end() {
      const [status] = await closed
      return { status, stderr, lines }
    },
  }
}

test('a script gets the code and the outcome as JSON; who has no role is told so, and is signed in all the same', async () => {
  const { code, end } = await beginLogin()
  await issuer.enterCode(code, { subject: 'bob' })
  const { status, stderr, lines } = await end()
  assert.equal(status, 0, stderr)
  assert.deepEqual(JSON.parse(lines[1] ?? ''), { server: server.httpUrl, issuer: issuer.url, name: 'bob' })
  assert.match(stderr, /no instance "default" at this server in which you have a role/)
  assert.equal((await aduana('list')).status, 1)
})

test('a sign-in that the issuer no longer knows has ended, and the way to sign in again is told', async () => {
  const { code, end } = await beginLogin('--issuer', issuer.url, '--client-id', PEOPLE)
  await issuer.enterCode(code, ana)
  assert.equal((await end()).status, 0)
  const { refreshToken } = loginAt(server.httpUrl)
  await fetch(`${issuer.url}/token/revocation`, {
    method: 'POST',
    body: new URLSearchParams({ token: refreshToken, client_id: PEOPLE }),
  })
  const { status, stderr } = await aduana('list')
  assert.equal(status, 1)
  assert.match(stderr, /The sign-in at \S+ has ended\. Sign in again: aduana login --server /)
  assert.equal(loginAt(server.httpUrl), undefined)
})

test('who says no in the browser is not signed in', async () => {
  const { code, end } = await beginLogin()
  await issuer.enterCode(code, undefined)
  const { status, stderr } = await end()
  assert.equal(status, 1)
  assert.match(stderr, /The sign-in was refused in the browser/)
})

test('a server without an issuer, plain http to elsewhere, and an issuer that is none are told', async () => {
  await using local = await startAduana({ inFolder: true })
  const without = await runAduana(['login', '--server', local.httpUrl], { env })
  assert.equal(without.status, 1)
  assert.match(without.stderr, /takes tokens of its own.*"aduana token" prints a token/)
  const plain = await runAduana(['login', '--server', 'http://updates.example.com'], { env })
  assert.match(plain.stderr, /Signing in needs https/)
  const none = await aduana('login', '--issuer', local.httpUrl, '--client-id', 'x')
  assert.equal(none.status, 1)
  assert.match(none.stderr, /\.well-known\/openid-configuration/)
})
