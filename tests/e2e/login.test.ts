// The login link, with the real program: `aduana link` beside a running server, and the exchange of its code.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { chmod, chown, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { ask } from '../support/ask.ts'
import { runAduana } from '../support/run-aduana.ts'
import { type Aduana, startAduana } from '../support/start-aduana.ts'
import { KEYS, NO_TERMINAL, openTerminal } from '../support/terminal.ts'

let aduana: Aduana
before(async () => {
  aduana = await startAduana({ flags: ['--instance', 'blue', '--instance', 'green'], inFolder: true })
})
after(() => aduana?.[Symbol.asyncDispose]())

async function makeLink(...flags: string[]): Promise<URL> {
  const { status, stdout, stderr } = await runAduana(['link', '--data', aduana.folder, ...flags])
  assert.equal(status, 0, stderr)
  assert.equal(stderr, '')
  const [line = '', ...more] = stdout.split('\n')
  assert.deepEqual(more, [''], 'it prints one line')
  return new URL(line)
}

const codeIn = ({ hash }: URL) => /^#code=([A-Za-z0-9_-]{43})$/.exec(hash)?.[1] ?? assert.fail(hash)

const login = (code: string) =>
  ask(aduana.httpUrl, '/aduana/v1/login', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ code }),
  })

async function statusWith(token: string, instance: string, method = 'GET'): Promise<number> {
  const path = `/deviceUpdate/${instance}/updates${method === 'POST' ? ':import' : '/providers'}?api-version=2022-10-01`
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  return (await ask(aduana.httpUrl, path, { method, headers, ...(method === 'POST' && { body: '[]' }) })).status
}

const auditLines = () =>
  readFileSync(join(aduana.folder, 'audit.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

test('a link opens the page once, with the role and the instances that it was made with', async () => {
  const link = await makeLink('--role', 'Device Update Reader', '--instance', 'green', '--minutes', '5')
  assert.equal(`${link.origin}${link.pathname}${link.search}`, 'http://127.0.0.1:8480/')
  const code = codeIn(link)
  const before = Date.now()
  const racing = await Promise.all(Array.from({ length: 5 }, () => login(code)))
  const [won, ...others] = racing.filter(({ status }) => status === 200)
  assert.deepEqual(others, [])
  assert.deepEqual(racing.map(({ status }) => status).sort(), [200, 403, 403, 403, 403])

  const { accessToken, expiresOn } = won?.json<{ accessToken: string; expiresOn: string }>() ?? assert.fail()
  assert.ok(Math.abs(Date.parse(expiresOn) - before - 5 * 60_000) < 10_000, expiresOn)
  assert.equal(await statusWith(accessToken, 'green'), 200)
  assert.equal(await statusWith(accessToken, 'green', 'POST'), 403)
  assert.equal(await statusWith(accessToken, 'blue'), 404)

  const lines = auditLines().filter(({ target }) => target === 'sign-in' || target === 'Device Update Reader')
  assert.deepEqual(lines.map(({ action, instance, code: why }) => `${action} ${instance} ${why}`).sort(), [
    ...Array.from({ length: 4 }, () => 'refused  LoginCodeRefused'),
    'sign-in green undefined',
  ])
  for (const path of ['audit.jsonl', 'aduana.db', 'aduana.db-wal']) {
    const bytes = readFileSync(join(aduana.folder, path))
    assert.ok(!bytes.includes(code) && !bytes.includes(accessToken), path)
  }
  assert.ok(!aduana.log().includes(code) && !aduana.log().includes(accessToken))
})

test('unless told otherwise it is for the administrator of the first instance, and leads where --server says', async () => {
  const link = await makeLink('--server', aduana.httpUrl)
  assert.equal(`${link.origin}${link.pathname}`, `${aduana.httpUrl}/`)
  const { accessToken } = (await login(codeIn(link))).json<{ accessToken: string }>()
  assert.equal(await statusWith(accessToken, 'blue', 'POST'), 400)
  assert.equal(await statusWith(accessToken, 'green'), 404)
})

test('codes lie in the data folder as hashes that only the owner may read, and in no backup', async () => {
  const code = codeIn(await makeLink())
  const folder = join(aduana.folder, 'login-codes')
  assert.equal(statSync(folder).mode & 0o777, 0o700)
  const names = readdirSync(folder)
  assert.equal(names.length, 1)
  for (const name of names) {
    assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600)
    assert.ok(!name.includes(code) && !readFileSync(join(folder, name), 'utf8').includes(code))
  }

  const root = await mkdtemp(join(tmpdir(), 'aduana-login-backup-'))
  try {
    const { status, stderr } = await runAduana(['backup', '--data', aduana.folder, '--to', join(root, 'backup')])
    assert.equal(status, 0, stderr)
    const copied = readdirSync(root, { recursive: true }).map(String)
    assert.ok(copied.some((path) => path.endsWith('installation.json')))
    assert.deepEqual(
      copied.filter((path) => /login/.test(path) || names.some((name) => path.includes(name))),
      [],
    )
  } finally {
    await rm(root, { recursive: true })
  }
  assert.equal((await login(code)).status, 200)
})

test('a link is not made where nothing could open it, and the command says so', async () => {
  const refused = async (args: string[], pattern: RegExp) => {
    const { status, stdout, stderr } = await runAduana(['link', ...args])
    assert.deepEqual([status, stdout], [1, ''])
    assert.match(stderr, pattern)
  }
  const root = await mkdtemp(join(tmpdir(), 'aduana-link-'))
  try {
    await refused(['--data', join(root, 'typo')], /There is no Aduana in .*typo/)
    await refused(['--data', aduana.folder, '--role', 'King', '--server', 'nowhere'], /King.*\n.*nowhere is not/)
    if (process.getuid?.() === 0) {
      await using other = await startAduana({ folder: await mkdtemp(join(root, 'other-')) })
      await chown(join(other.folder, 'installation.json'), 65534, 65534)
      await refused(['--data', other.folder], /as the user that runs the server \(uid 65534\)/)
      await chmod(root, 0o755)
    }
  } finally {
    await rm(root, { recursive: true })
  }
})

test('a server whose local issuer is off takes no code', async () => {
  // Nobody answers there, and nobody needs to: it is asked only when a token of it comes.
  const issuer = ['--oidc-issuer', 'http://127.0.0.1:9/', '--oidc-audience', 'api://aduana']
  await using other = await startAduana({ flags: issuer })
  const { stdout } = await runAduana(['link', '--data', other.folder])
  const answer = await ask(other.httpUrl, '/aduana/v1/login', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ code: codeIn(new URL(stdout.trim())) }),
  })
  assert.equal(answer.status, 404)
  assert.match(answer.text, /local issuer is off/)
})

test('who starts the server at a terminal gets a link at once', { skip: NO_TERMINAL }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'aduana-terminal-'))
  try {
    const listeners = ['--http', '127.0.0.1:0', '--https', '127.0.0.1:0']
    await using terminal = openTerminal(['serve', '--data', folder, ...listeners])
    await terminal.until(/The portal: +\S+#code=\S+/)
    const [, server = '', code = ''] = /The portal: +(\S+)\/#code=([\w-]+)/.exec(terminal.output()) ?? []
    const answer = await ask(server, '/aduana/v1/login', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ code }),
    })
    assert.equal(answer.status, 200, answer.text)
    terminal.type(KEYS.ctrlC)
    assert.equal((await terminal.end()).status, 0)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
