import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { chownSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { noPostgres, type Postgres, startPostgres } from '../../../tests/support/postgres.ts'
import { AppError } from '../../domain/errors.ts'
import { hostNamed } from '../tls/certificate-hosts.ts'
import { makeAuthority, makeServerCertificate } from '../tls/make-certificates.ts'
import { openPostgres } from './database-postgres.ts'

let server: Postgres
let rootPath: string
let otherRootPath: string

before(async () => {
  server = await startPostgres({
    hba: 'hostssl all joe 127.0.0.1/32 scram-sha-256\nhostnossl all joe 127.0.0.1/32 reject',
  })
  await server.ask("create role joe login superuser password 'p@ss'")
  const hosts = [hostNamed('localhost')]
  const newKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const [authorityKey, key, now] = [newKey(), newKey(), new Date()]
  const authorityPem = await makeAuthority({ key: authorityKey, hosts, now })
  const certificatePem = await makeServerCertificate({ authorityPem, authorityKey, key, hosts, now })
  const keep = (name: string, text: string) => {
    const path = join(server.folder, name)
    writeFileSync(path, text, { mode: 0o600 })
    const { uid, gid } = statSync(server.folder)
    chownSync(path, uid, gid)
    return path
  }
  rootPath = keep('root.pem', authorityPem)
  otherRootPath = keep('other.pem', await makeAuthority({ key: newKey(), hosts, now }))
  await server.stop()
  await server.start({
    ssl: 'on',
    ssl_cert_file: keep('server.pem', certificatePem),
    ssl_key_file: keep('server.key', String(key.export({ type: 'pkcs8', format: 'pem' }))),
  })
})
after(() => server[Symbol.asyncDispose]())

/** Whether the connection is encrypted; else the sentence that says why there is none. */
async function connectBy(query: string, host = '127.0.0.1', user = 'joe:p%40ss'): Promise<unknown> {
  const database = openPostgres(`postgres://${user}@${host}:${server.port}/postgres?${query}`)
  try {
    const [row] = await database.query('select ssl from pg_stat_ssl where pid = pg_backend_pid()')
    return row?.ssl === 1
  } catch (error) {
    assert.ok(error instanceof AppError && error.code === 'DatabaseFailed', String(error))
    return error.message
  } finally {
    await database.close()
  }
}

const options = { skip: noPostgres }

test('a password goes over an encrypted connection where that is asked for', options, async () => {
  assert.equal(await connectBy('sslmode=require'), true)
  assert.equal(await connectBy('sslmode=disable', '127.0.0.1', 'postgres'), false)
  assert.match(String(await connectBy('sslmode=disable')), /refuses the user or password/)
})

test('a wrong password, and none, are told apart from a server that is away', options, async () => {
  assert.match(String(await connectBy('sslmode=require', '127.0.0.1', 'joe:wrong')), /refuses the user or password/)
  assert.match(String(await connectBy('sslmode=require', '127.0.0.1', 'joe')), /wants a password, and none is set/)
})

test('verify-ca looks at who signed, verify-full at the name as well', options, async () => {
  assert.equal(await connectBy(`sslmode=verify-ca&sslrootcert=${rootPath}`), true)
  assert.equal(await connectBy(`sslmode=verify-full&sslrootcert=${rootPath}`, 'localhost'), true)
  assert.match(
    String(await connectBy(`sslmode=verify-full&sslrootcert=${rootPath}`)),
    /\(ERR_TLS_CERT_ALTNAME_INVALID\)/,
  )
  for (const mode of ['require', 'verify-ca', 'verify-full']) {
    assert.match(
      String(await connectBy(`sslmode=${mode}&sslrootcert=${otherRootPath}`, 'localhost')),
      /cannot be reached \(\w*(SIGNATURE|ISSUER|SELF_SIGNED)\w*\)/,
    )
  }
})
