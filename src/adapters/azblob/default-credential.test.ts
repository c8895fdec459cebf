import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { after, before, test } from 'node:test'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { type Azurite, startAzurite } from '../../../tests/support/azurite.ts'
import { hostNamed } from '../tls/certificate-hosts.ts'
import { makeAuthority, makeServerCertificate } from '../tls/make-certificates.ts'
import { openAzureBlobs } from './blobs-azblob.ts'

const trusted = getCACertificates()
const { PATH, AZURE_TOKEN_CREDENTIALS } = process.env
let folder: string
let azurite: Azurite

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'aduana-azurite-'))
  const { authorityPem, ...tls } = await makeTlsFiles(folder)
  setDefaultCACertificates([...trusted, authorityPem])
  azurite = await startAzurite({ tls })
  process.env.AZURE_TOKEN_CREDENTIALS = 'AzureCliCredential'
})

after(async () => {
  setDefaultCACertificates(trusted)
  Object.assign(process.env, { PATH })
  if (AZURE_TOKEN_CREDENTIALS === undefined) delete process.env.AZURE_TOKEN_CREDENTIALS
  else process.env.AZURE_TOKEN_CREDENTIALS = AZURE_TOKEN_CREDENTIALS
  await azurite[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

function open() {
  const env = { AZURE_STORAGE_ACCOUNT: azurite.accountName, AZURE_STORAGE_SERVICE_ENDPOINT: azurite.blobEndpoint }
  return openAzureBlobs({ container: 'updates', prefix: '', env })
}

test('an account alone is used as who DefaultAzureCredential finds, here who signed in with az', {
  skip: process.platform === 'win32' && 'the stand-in for az is a shell script',
}, async () => {
  process.env.PATH = folder
  await assert.rejects(open(), {
    code: 'StoreFailed',
    message: /^The store azblob:\/\/updates could not be opened: .*(Azure CLI|no credential)/,
  })

  await writeFile(join(folder, 'az'), `#!/bin/sh\necho '${JSON.stringify(answerOfAz())}'\n`)
  await chmod(join(folder, 'az'), 0o755)
  process.env.PATH = [folder, PATH].join(delimiter)
  const store = await open()
  const name = `${'5e'.repeat(32)}.0a1b2c3d` as const
  await using writer = await store.create({ name, sizeInBytes: 6_000_000 })
  await writer.write(Buffer.alloc(6_000_000))
  await writer.commit()
  assert.equal(await store.size(name), 6_000_000)
})

/** What `az account get-access-token` prints, with a token whose signature Azurite does not look at. */
function answerOfAz() {
  const now = Math.floor(Date.now() / 1000)
  const claims = {
    aud: 'https://storage.azure.com',
    iss: 'https://sts.windows.net/00000000-0000-0000-0000-000000000000/',
    iat: now - 60,
    nbf: now - 60,
    exp: now + 3600,
  }
  const [head, body] = [{ alg: 'none', typ: 'JWT' }, claims].map((part) =>
    Buffer.from(JSON.stringify(part)).toString('base64url'),
  )
  return { accessToken: `${head}.${body}.x`, expires_on: now + 3600, tokenType: 'Bearer' }
}

async function makeTlsFiles(folder: string) {
  const { privateKey: authorityKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { privateKey: key } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const [hosts, now] = [[hostNamed('127.0.0.1')], new Date()]
  const authorityPem = await makeAuthority({ key: authorityKey, hosts, now })
  const certificatePem = await makeServerCertificate({ authorityPem, authorityKey, key, hosts, now })
  const [certificateFile, keyFile] = [join(folder, 'certificate.pem'), join(folder, 'key.pem')]
  await writeFile(certificateFile, certificatePem)
  await writeFile(keyFile, key.export({ format: 'pem', type: 'pkcs8' }))
  return { authorityPem, certificateFile, keyFile }
}
