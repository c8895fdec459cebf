import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { ConnectionOptions } from 'node:tls'
import { readPostgresUrl } from './postgres-address.ts'

const folder = mkdtempSync(join(tmpdir(), 'aduana-pem-'))
after(() => rmSync(folder, { recursive: true }))
const pem = join(folder, 'root.pem')
writeFileSync(pem, 'a certificate')

/** What an address comes to, as far as it is plain. */
function read(url: string, environment: NodeJS.ProcessEnv = {}) {
  const { title, endpoints, config } = readPostgresUrl(url, environment)
  const { host, port, user, database, ssl, options, application_name } = config
  const password = typeof config.password === 'function' ? config.password() : config.password
  return {
    title,
    endpoints,
    host,
    port,
    user,
    password,
    database,
    ssl: ssl as false | ConnectionOptions,
    options,
    application_name,
  }
}

test('an address has everything', () => {
  assert.deepEqual(read('postgres://joe:p%40ss@db.example:1234/up%20dates?application_name=blue&options=-c%20a%3Db'), {
    title: 'postgres://joe@db.example:1234/up dates',
    endpoints: [{ host: 'db.example', port: 1234 }],
    host: 'db.example',
    port: 1234,
    user: 'joe',
    password: 'p@ss',
    database: 'up dates',
    ssl: false,
    options: '-c a=b',
    application_name: 'blue',
  })
})

test('what an address lacks comes from the variables of libpq, then from its defaults', () => {
  const environment = {
    PGHOST: 'pg.example',
    PGPORT: '99',
    PGUSER: 'ann',
    PGPASSWORD: 'word',
    PGDATABASE: 'fleet',
    PGAPPNAME: 'app',
  }
  const fromVariables = read('postgres://', environment)
  assert.equal(fromVariables.title, 'postgres://ann@pg.example:99/fleet')
  assert.equal(fromVariables.password, 'word')
  assert.equal(fromVariables.application_name, 'app')
  assert.equal(read('postgresql://joe:own@here:1/mine', environment).title, 'postgres://joe@here:1/mine')
  assert.equal(read('postgresql://joe:own@here:1/mine', environment).password, 'own')
  const { username } = userInfo()
  assert.equal(read('postgres://').title, `postgres://${username}@localhost:5432/${username}`)
  assert.equal(read('postgres://ann@x').database, 'ann')
  assert.equal(read('postgres://ann@x').password, '')
})

test('addresses of IPv6 and of sockets', () => {
  assert.deepEqual(read('postgres://a@[::1]:5/b').endpoints, [{ host: '::1', port: 5 }])
  assert.equal(read('postgres://a@[::1]:5/b').title, 'postgres://a@[::1]:5/b')
  for (const url of ['postgres:///b?host=/run/postgresql', 'postgres://%2Frun%2Fpostgresql/b']) {
    const { host, endpoints, ssl } = read(url, { PGSSLMODE: 'require' })
    assert.deepEqual([host, endpoints, ssl], ['/run/postgresql', [], false])
  }
})

test('encryption is as sslmode says, and as libpq has it', () => {
  const ssl = (query: string, environment = {}) => read(`postgres://h/d?${query}`, environment).ssl
  assert.equal(ssl('sslmode=disable'), false)
  assert.equal(ssl('sslmode=disable', { PGSSLMODE: 'require' }), false)
  for (const looks of [ssl('sslmode=require'), ssl('', { PGSSLMODE: 'require' })]) {
    assert.ok(
      looks && looks.rejectUnauthorized === false && looks.checkServerIdentity?.('h', {} as never) === undefined,
    )
  }
  for (const mode of ['require', 'verify-ca']) {
    const looks = ssl(`sslmode=${mode}&sslrootcert=${pem}`)
    assert.ok(looks && looks.rejectUnauthorized === true && looks.ca === 'a certificate' && looks.checkServerIdentity)
  }
  const full = ssl('sslmode=verify-full', { PGSSLROOTCERT: pem, PGSSLCERT: pem, PGSSLKEY: pem })
  assert.deepEqual(full, { rejectUnauthorized: true, ca: 'a certificate', cert: 'a certificate', key: 'a certificate' })
  assert.deepEqual(ssl('sslmode=verify-full'), { rejectUnauthorized: true })
})

for (const [url, sentence] of [
  ['mysql://joe:opensesame@h/d', /no postgres:/],
  ['opensesame', /no postgres:/],
  ['postgres://joe:opensesame@h:x/d', /no postgres:/],
  ['postgres://joe:opensesame@one:1,two:2/d', /with one host/],
  ['postgres://joe:opensesame@one,two/d', /several hosts/],
  ['postgres://joe:opensesame%@h/d', /% that is not followed/],
  ['postgres://joe:opensesame@h/d?ssl=opensesame', /parameter ssl\. It may have application_name/],
  ['postgres://joe:opensesame@h/d?sslmode=prefer', /sslmode=prefer\. It may be disable, require/],
  ['postgres://joe:opensesame@h/d?sslmode=verify-ca', /without sslrootcert/],
  ['postgres://joe:opensesame@h/d?sslmode=require&sslrootcert=/nowhere', /\/nowhere, .* sslrootcert, cannot be read/],
] as const) {
  test(`${url} is refused with a sentence, and without its password`, () => {
    assert.throws(
      () => readPostgresUrl(url, {}),
      (error) => error instanceof Error && sentence.test(error.message) && !/opensesame/.test(error.message),
    )
  })
}
