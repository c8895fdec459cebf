import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { get } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { startAduana } from '../support/start-aduana.ts'

const PROGRAM = new URL('../../bin/aduana.js', import.meta.url).pathname
const EXAMPLES = new URL('../../examples/', import.meta.url).pathname
const folder = mkdtempSync(join(tmpdir(), 'aduana-cli-'))
after(() => rmSync(folder, { recursive: true }))

function aduana(args: string[], environment: Record<string, string> = {}) {
  const env = { ...process.env, ...environment }
  const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, ...args], {
    env,
    encoding: 'utf8',
    timeout: 20_000,
    cwd: folder,
  })
  return { status, stdout, stderr }
}

test('check says "valid" for a good manifest and ends with 0', () => {
  const { status, stdout } = aduana([
    'check',
    join(EXAMPLES, 'script/contoso.toaster-settings.1.1.importmanifest.json'),
  ])
  assert.match(stdout, /valid, Contoso\/Toaster-Settings\/1\.1 \(manifest 4\.0\)\n.*2 files beside it as described\n$/)
  assert.equal(status, 0)
})

test('check names every mistake with its place, and ends with 1 if any manifest is invalid', () => {
  const bad = join(folder, 'bad.json')
  writeFileSync(bad, JSON.stringify({ manifestVersion: '4.0', updateId: { provider: 'a b', name: 'x', version: '1' } }))
  const { status, stdout } = aduana([
    'check',
    join(EXAMPLES, 'apt/contoso.toaster-base-data.1.1.importmanifest.json'),
    bad,
  ])
  assert.equal(status, 1)
  assert.match(stdout, /valid, Contoso/)
  assert.match(stdout, /\/updateId\/provider/)
  assert.match(stdout, /\/updateId\/version/)
  assert.match(stdout, /compatibility/)
})

test('unknown flags, unknown variables and bad values are told at once, and nothing is started', () => {
  assert.equal(aduana(['serve', '--prot', '80']).status, 1)
  const { status, stderr } = aduana(['serve', '--http', 'nowhere', '--data', join(folder, 'none')], {
    ADUANA_DTAA: 'x',
  })
  assert.equal(status, 1)
  assert.match(stderr, /ADUANA_DTAA: there is no such setting/)
  assert.match(stderr, /--http: nowhere is not HOST:PORT/)
  assert.throws(() => statSync(join(folder, 'none')))
})

test('token wants a data folder that is one, and a role that there is', () => {
  const nowhere = aduana(['token', '--data', join(folder, 'typo')])
  assert.equal(nowhere.status, 1)
  assert.match(nowhere.stderr, /There is no Aduana in .*typo/)
  assert.throws(() => statSync(join(folder, 'typo')))
  assert.match(aduana(['token', '--role', 'King']).stderr, /King is not a role/)
})

test('help shows every command and every flag with its variable', () => {
  assert.match(aduana(['--help']).stdout, /serve[\s\S]*token[\s\S]*check/)
  const { stdout } = aduana(['serve', '--help'])
  for (const word of ['--allow-source', 'ADUANA_ALLOW_SOURCE', '--sweep-after', '--config', '127.0.0.1:8443']) {
    assert.ok(stdout.includes(word), word)
  }
})

test('a port in use is told in a sentence, and the process ends although its other listener is slow', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  const { status, stderr } = aduana([
    'serve',
    '--data',
    join(folder, 'in-use'),
    '--http',
    `127.0.0.1:${port}`,
    '--https',
    'localhost:0',
  ])
  server.close()
  assert.equal(status, 1)
  assert.match(stderr, new RegExp(`Port ${port} on 127.0.0.1 is in use`))
})

test('settings come from a file; instances are made by name; the first one is what tokens are for', async () => {
  const file = join(folder, 'aduana.json')
  writeFileSync(file, JSON.stringify({ instance: ['green', 'blue'], 'log-level': 'warn' }))
  await using server = await startAduana({ flags: ['--config', file], inFolder: true })
  const bearer = async (...args: string[]) => ({ authorization: `Bearer ${await server.token(...args)}` })
  const providers = (instance: string) =>
    `${server.httpUrl}/deviceUpdate/${instance}/updates/providers?api-version=2022-10-01`
  assert.equal((await fetch(providers('green'), { headers: await bearer() })).status, 200)
  assert.equal((await fetch(providers('blue'), { headers: await bearer() })).status, 404)
  assert.equal((await fetch(providers('blue'), { headers: await bearer('--instance', 'blue') })).status, 200)
  assert.equal((await fetch(providers('none'), { headers: await bearer('--instance', 'none') })).status, 404)

  const reader = await bearer('--role', 'Device Update Reader')
  const importing = `${server.httpUrl}/deviceUpdate/green/updates:import?api-version=2022-10-01`
  const refused = await fetch(importing, { method: 'POST', headers: reader, body: '[]' })
  assert.equal(refused.status, 403)
  assert.match(await refused.text(), /updates\/write/)
  assert.equal((await fetch(importing, { method: 'POST', body: '[]' })).status, 401)
})

test('https works for a client that trusts the CA of the data folder, and for no other', async () => {
  await using server = await startAduana()
  const ca = readFileSync(join(server.folder, 'tls', 'ca.pem'))
  const status = (options: object) =>
    new Promise<number | undefined>((resolve, reject) => {
      get(`${server.httpsUrl}/healthz`, { agent: false, ...options }, (answer) => {
        answer.resume()
        resolve(answer.statusCode)
      }).on('error', reject)
    })
  assert.equal(await status({ ca }), 200)
  await assert.rejects(status({}), { code: /SELF_SIGNED|UNABLE_TO_VERIFY/ })
})

test('others cannot read the database, whoever made the data folder', async () => {
  const data = mkdtempSync(join(folder, 'open-'))
  chmodSync(data, 0o755)
  await using server = await startAduana({ folder: data })
  await server.client()
  for (const file of ['aduana.db', 'aduana.db-wal', 'audit.jsonl', 'keys/issuer.jwk.json']) {
    assert.equal(statSync(join(data, file)).mode & 0o007, 0, file)
  }
})

test('two signals that come together are one wish, and the server ends in order', async () => {
  await using server = await startAduana()
  server.process.kill('SIGINT')
  assert.equal(await server.stop('SIGINT'), 0)
})
