import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { openPostgres } from '../../src/adapters/postgres/database-postgres.ts'
import type { ApiClient } from '../../src/client/api-client.ts'
import type { ImportUpdateInput, InnerError, Operation } from '../../src/client/api-types.ts'
import {
  answerStatus,
  type Behaviour,
  claimLength,
  closeEarly,
  type MisbehavingSource,
  neverAnswer,
  redirectLoop,
  redirectTo,
  sendMore,
  serveBytes,
  serveOtherBytes,
  startSource,
} from '../support/misbehaving-source.ts'
import { checkAndWait, eventually, importAndWait, operationEnd } from '../support/operation-end.ts'
import { type PublishedUpdate, publishUpdate, requestsFor, SIGNATURE, sha256Of } from '../support/publish-update.ts'
import { type Aduana, startAduana } from '../support/start-aduana.ts'
import { partialsOf, storedDigests } from '../support/stored-blobs.ts'

const BYTES = Buffer.from('the bytes of a payload')

let source: MisbehavingSource
let aduana: Aduana
let client: ApiClient
let token: string

before(async () => {
  source = await startSource()
  aduana = await startAduana({
    flags: ['--allow-source', '127.0.0.0/8', '--sweep-after', '1s', '--log-level', 'trace'],
  })
  client = await aduana.client()
  token = await aduana.token()
})
after(async () => {
  await aduana?.[Symbol.asyncDispose]()
  await source?.[Symbol.asyncDispose]()
})

/** One input that publishes well but for what a test does to it. */
type Publication = () => PublishedUpdate

interface Failure {
  /** Outer, inner and innermost code. */
  codes: string
  /** What the inner message says, or the outer one where there is no other. */
  says: (string | RegExp)[]
  /** Where the first of the details points to. */
  target?: string
  /** Paths that the import must not ask the source for. */
  unasked?: (string | undefined)[]
  /** Where a check would wait for what an import need not wait for. */
  isUnchecked?: boolean
}

describe('a request that is malformed is refused at once and recorded nowhere', () => {
  const input = { importManifest: { url: 'http://127.0.0.1/m', sizeInBytes: 5, hashes: { sha256: sha256Of(BYTES) } } }
  const list = (...inputs: unknown[]) => JSON.stringify(inputs)
  const without = (member: string) => list({ importManifest: { ...input.importManifest, [member]: undefined } })
  const url = (text: string) => list({ importManifest: { ...input.importManifest, url: text } })

  const refusals: { name: string; body: string; type?: string; status?: number; says: RegExp }[] = [
    { name: 'a body that is not JSON', body: '{"importManifest": ', says: /not JSON/ },
    { name: 'a body that is HTML', body: '<html></html>', says: /not JSON/ },
    { name: 'an empty body', body: '', says: /./ },
    { name: 'a body that is a text', body: '"import this"', says: /must be a list of inputs/ },
    { name: 'another content type', body: list(input), type: 'text/plain', status: 415, says: /application\/json/ },
    {
      name: 'a form',
      body: 'url=x',
      type: 'application/x-www-form-urlencoded',
      status: 415,
      says: /application\/json/,
    },
    { name: 'a body of more than 1 MiB', body: list(input, 'x'.repeat(1 << 20)), status: 413, says: /1048576 bytes/ },
    { name: 'no inputs', body: list(), says: /must|fewer/ },
    { name: 'twelve inputs', body: list(...Array(12).fill(input)), says: /11/ },
    { name: 'an input without a URL', body: without('url'), says: /\/0\/importManifest\/url is missing/ },
    { name: 'an input without a size', body: without('sizeInBytes'), says: /sizeInBytes is missing/ },
    { name: 'an input without a hash', body: without('hashes'), says: /hashes is missing/ },
    { name: 'a relative URL', body: url('/manifest.json'), says: /absolute http or https URL/ },
    { name: 'a file URL', body: url('file:///etc/passwd'), says: /not file:/ },
    {
      name: 'a hash in hex',
      body: list({ importManifest: { ...input.importManifest, hashes: { sha256: 'ab'.repeat(32) } } }),
      says: /looks like a hex digest/,
    },
  ]
  for (const { name, body, type = 'application/json', status = 400, says } of refusals) {
    test(name, async () => {
      const operations = await Array.fromAsync(client.listOperations())
      const response = await fetch(`${aduana.httpUrl}/deviceUpdate/default/updates:import?api-version=2022-10-01`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': type },
        body,
      })
      assert.equal(response.status, status)
      const { error } = (await response.json()) as { error: { code: string; message: string } }
      assert.match(error.message, says)
      assert.deepEqual(await Array.fromAsync(client.listOperations()), operations)
    })
  }
})

describe('an import manifest that is not what the request says, or not good, fails the operation', () => {
  const download = 'CannotProcessImportManifest > CannotDownload'
  const parse = 'CannotProcessImportManifest > CannotParse'
  const bytes = Buffer.from('{}')
  const stated = ({ input, ...rest }: PublishedUpdate, facts: Partial<ImportUpdateInput['importManifest']>) => {
    return { ...rest, input: { ...input, importManifest: { ...input.importManifest, ...facts } } }
  }
  const instead = (text: string): Publication => {
    return () => publishUpdate(source, { manifestBytes: Buffer.from(text) })
  }
  const behaving = (manifestBehaviour: Behaviour): Publication => {
    return () => publishUpdate(source, { manifestBytes: bytes, manifestBehaviour })
  }
  const changing = (changes: NonNullable<Parameters<typeof publishUpdate>[1]>['changes']): Publication => {
    return () => publishUpdate(source, { changes: changes ?? {} })
  }

  cases({
    'no JSON': {
      publish: instead('updateId: Contoso'),
      codes: `${parse} > DocumentNotJson`,
      says: ['import manifest'],
    },
    'JSON that breaks off': { publish: instead('{"updateId": {'), codes: `${parse} > DocumentNotJson`, says: [] },
    'a web page': {
      publish: instead('<!DOCTYPE html><title>Sign in</title>'),
      codes: `${parse} > DocumentNotJson`,
      says: ['import manifest', /HTML|web page/],
    },
    'nothing at all but a BOM': { publish: instead('\ufeff'), codes: `${parse} > DocumentNotJson`, says: [] },
    'more bytes than stated': {
      publish: () => stated(publishUpdate(source), { sizeInBytes: 7 }),
      codes: `${download} > SizeMismatch`,
      says: ['import manifest', '7 '],
    },
    'more bytes than stated, and none announced': {
      publish: behaving(sendMore(bytes, { extraBytes: 3_000_000 })),
      codes: `${download} > SizeMismatch`,
      says: ['import manifest', '2 bytes', 'sends more'],
    },
    'fewer bytes than stated': {
      publish: () => stated(publishUpdate(source, { manifestBytes: bytes }), { sizeInBytes: 7 }),
      codes: `${download} > SizeMismatch`,
      says: ['import manifest', '2 bytes', '7 '],
    },
    'another hash than stated': {
      publish: () => stated(publishUpdate(source, { manifestBytes: bytes }), { hashes: { sha256: sha256Of(BYTES) } }),
      codes: `${download} > HashMismatch`,
      says: ['import manifest', 'sha256', sha256Of(BYTES), sha256Of(bytes)],
    },
    'another second hash than stated': {
      publish: () => {
        const published = publishUpdate(source)
        const { hashes } = published.input.importManifest
        return stated(published, { hashes: { ...hashes, md5: 'AAAAAAAAAAAAAAAAAAAAAA==' } })
      },
      codes: `${download} > HashMismatch`,
      says: ['import manifest', 'md5', 'AAAAAAAAAAAAAAAAAAAAAA=='],
    },
    'a status of 403': {
      publish: behaving(answerStatus(403, { headers: { 'x-ms-error-code': 'AuthenticationFailed' } })),
      codes: `${download} > SourceStatus`,
      says: ['import manifest', '403', '200'],
    },
    'a redirect without end': {
      publish: behaving(redirectLoop),
      codes: `${download} > SourceRedirects`,
      says: ['import manifest', 'more than 5 times'],
    },
    'a redirect to another scheme': {
      publish: behaving(redirectTo('file:///etc/passwd')),
      codes: `${download} > SourceRedirects`,
      says: ['import manifest', 'http or https'],
    },
    'a version from the future': {
      publish: changing({ '/manifestVersion': '9.0' }),
      codes: 'CannotProcessImportManifest > UnsupportedVersion',
      says: ['9.0', '5.0'],
    },
    'a member that is not known': {
      publish: changing({ '/updateId/colour': 'red' }),
      codes: `${parse} > MemberUnknown`,
      says: ['colour'],
      target: '/updateId/colour',
    },
    'a member that is missing': {
      publish: changing({ '/compatibility': undefined }),
      codes: `${parse} > MemberMissing`,
      says: ['compatibility'],
    },
    'a version that is none': {
      publish: changing({ '/updateId/version': '1' }),
      codes: `${parse} > FormatWrong`,
      says: ['"1"', 'two to four numbers'],
      target: '/updateId/version',
    },
    'a hash in hex': {
      publish: changing({ '/files/0/hashes/sha256': 'ab'.repeat(32) }),
      codes: `${parse} > HashWrong`,
      says: ['hex digest', 'base64'],
      target: '/files/0/hashes/sha256',
    },
    'a file of more than 2 GiB': {
      publish: changing({ '/files/0/sizeInBytes': 2_147_483_649 }),
      codes: `${parse} > NumberWrong`,
      says: ['2147483649', '2147483648'],
      target: '/files/0/sizeInBytes',
    },
    'several mistakes': {
      publish: changing({ '/isDeployable': 'yes', '/compatibility': [] }),
      codes: `${parse} > TypeWrong`,
      says: ['isDeployable', '1 more'],
      target: '/isDeployable',
    },
    'a file name that leaves its folder': {
      publish: () => publishUpdate(source, { files: [{ name: '../evil.sh', bytes: BYTES }] }),
      codes: `${parse} > FileNameUnsafe`,
      says: ['plain file name'],
      target: '/files/0/filename',
    },
    'a file name with NUL': {
      publish: () => publishUpdate(source, { files: [{ name: 'a\0b', bytes: BYTES }] }),
      codes: `${parse} > FileNameUnsafe`,
      says: ['plain file name'],
      target: '/files/0/filename',
    },
    'a file name of 300 characters': {
      publish: () => publishUpdate(source, { files: [{ name: 'n'.repeat(300), bytes: BYTES }] }),
      codes: `${parse} > LengthWrong`,
      says: ['300', '255'],
      target: '/files/0/filename',
    },
    'a file name twice': {
      publish: () => {
        return publishUpdate(source, { files: ['a.bin', 'A.bin'].map((name) => ({ name, bytes: BYTES })) })
      },
      codes: `${parse} > FileNameRepeated`,
      says: ['"A.bin"'],
      target: '/files/1/filename',
    },
    'a step without files': {
      publish: changing({ '/instructions/steps/0/files': [] }),
      codes: `${parse} > CountWrong`,
      says: ['0 entries'],
      target: '/instructions/steps/0/files',
    },
    'a step whose file is not there': {
      publish: changing({ '/instructions/steps/0/files/0': 'other.swu' }),
      codes: `${parse} > StepFileUnknown`,
      says: ['"other.swu"'],
      target: '/instructions/steps/0/files/0',
    },
  })

  test('stated as 100 MB, without a byte of it being fetched', async () => {
    const { input, paths } = stated(publishUpdate(source), { sizeInBytes: 100 << 20 })
    await assertFails([input], {
      codes: `${download} > DocumentTooLarge`,
      says: ['import manifest', '104857600', '1048576'],
      unasked: [paths.get('')],
    })
  })
})

describe('files that do not match the manifest fail the operation before any of them is fetched', () => {
  const outer = 'CannotProcessUpdateFile > ContentFileCannotDownload'
  const listing = (change: (files: { filename: string; url: string }[], input: ImportUpdateInput) => unknown) => () => {
    const published = publishUpdate(source, { files: ['a.bin', 'b.bin'].map((name) => ({ name, bytes: BYTES })) })
    change(published.input.files ?? [], published.input)
    return published
  }
  cases({
    'a file missing from the request': {
      publish: listing((files) => files.pop()),
      codes: `${outer} > FileNotSupplied`,
      says: ['"b.bin"', 'no URL'],
    },
    'no files in the request at all': {
      publish: listing((_, input) => delete input.files),
      codes: `${outer} > FileNotSupplied`,
      says: ['"a.bin"', 'no URL'],
    },
    'one file too many': {
      publish: listing((files) => files.push({ filename: 'c.bin', url: 'http://127.0.0.1/c' })),
      codes: `${outer} > FileNotListed`,
      says: ['"c.bin"', '"a.bin", "b.bin"'],
      target: '/files/2',
    },
    'a file name in other letter case': {
      publish: listing((files) => Object.assign(files[0] ?? {}, { filename: 'A.bin' })),
      codes: `${outer} > FileNotListed`,
      says: ['"A.bin"', '"a.bin"'],
      target: '/files/0',
    },
    'a file name twice': {
      publish: listing((files) => files.push({ filename: 'a.bin', url: 'http://127.0.0.1/other' })),
      codes: `${outer} > FileNameRepeated`,
      says: ['"a.bin"', 'twice'],
      target: '/files/2',
    },
    'the manifest itself among the files': {
      publish: listing((files, { importManifest }) => {
        files.push({ filename: 'importmanifest.json', url: importManifest.url })
      }),
      codes: `${outer} > FileNotListed`,
      says: ['"importmanifest.json"', 'import manifest itself'],
      target: '/files/2',
    },
    'a name that leaves its folder': {
      publish: listing((files) => files.push({ filename: '../../etc/passwd', url: 'http://127.0.0.1/other' })),
      codes: `${outer} > FileNotListed`,
      says: ['"../../etc/passwd"'],
    },
    'a name with NUL and 300 characters': {
      publish: listing((files) => files.push({ filename: `\0${'n'.repeat(300)}`, url: 'http://127.0.0.1/other' })),
      codes: `${outer} > FileNotListed`,
      says: ['"\\u0000nnn', '..."'],
    },
  })

  test('dozens of files too many are all told, and thousands are refused at the door', async () => {
    const published = publishUpdate(source)
    const others = (length: number) =>
      Array.from({ length }, (_, index) => ({ filename: `f${index}`, url: 'http://127.0.0.1/' }))
    published.input.files?.push(...others(60))
    const operation = await assertFails([published.input], { codes: `${outer} > FileNotListed`, says: ['"f0"'] })
    assert.equal(operation.error?.details?.length, 60)
    published.input.files?.push(...others(2000))
    await assert.rejects(client.importUpdate([published.input]), {
      status: 400,
      message: /not have more than 100 items/,
    })
  })
})

describe('a source that does not give the bytes of a file fails the operation', () => {
  const file = (behaviour: Behaviour, query?: string): Publication => {
    return () => {
      const files = [{ name: 'toaster.swu', bytes: BYTES, behaviour }]
      return publishUpdate(source, { files, ...(query !== undefined && { query }) })
    }
  }
  const outer = 'CannotProcessUpdateFile > ContentFileCannotDownload'
  const size = String(BYTES.length)
  cases({
    'it answers 403': {
      publish: file(answerStatus(403)),
      codes: `${outer} > SourceStatus`,
      says: ['"toaster.swu"', '403 (Forbidden)', '200'],
    },
    'it answers 404': {
      publish: file(answerStatus(404)),
      codes: `${outer} > SourceStatus`,
      says: ['"toaster.swu"', '404 (Not Found)', '200'],
    },
    'it answers 500': {
      publish: file(answerStatus(500)),
      codes: `${outer} > SourceStatus`,
      says: ['"toaster.swu"', '500 (Internal Server Error)', '200'],
    },
    'it redirects for ever': {
      publish: file(redirectLoop),
      codes: `${outer} > SourceRedirects`,
      says: ['"toaster.swu"', 'more than 5 times'],
    },
    'it closes early': {
      publish: file(closeEarly(BYTES, { afterBytes: 4 })),
      codes: `${outer} > SourceTruncated`,
      says: ['"toaster.swu"', `4 of ${size} bytes`],
    },
    'it closes early without having said how much comes': {
      publish: file(closeEarly(BYTES, { afterBytes: 4, promise: false })),
      codes: `${outer} > SourceTruncated`,
      says: ['"toaster.swu"', `4 of ${size} bytes`],
    },
    'it ends early, as if that were all': {
      publish: file(claimLength(BYTES.subarray(0, 4), { claimedBytes: 4 })),
      codes: `${outer} > SizeMismatch`,
      says: ['"toaster.swu"', '4 bytes', size],
    },
    'it sends more than it promised': {
      publish: file(sendMore(BYTES, { extraBytes: 5_000_000 })),
      codes: `${outer} > SizeMismatch`,
      says: ['"toaster.swu"', `${size} bytes`, 'sends more'],
    },
    'it promises more': {
      publish: file(claimLength(BYTES, { claimedBytes: 5_000_000 })),
      codes: `${outer} > SizeMismatch`,
      says: ['"toaster.swu"', '5000000 bytes', size],
    },
    'it sends other bytes': {
      publish: file(serveOtherBytes(BYTES)),
      codes: `${outer} > HashMismatch`,
      says: ['"toaster.swu"', 'sha256', sha256Of(BYTES), sha256Of(BYTES.map((byte) => byte ^ 0xff))],
    },
    'nobody listens there': {
      publish: () => {
        const published = publishUpdate(source, { files: [{ name: 'toaster.swu', bytes: BYTES }] })
        Object.assign(published.input.files?.[0] ?? {}, { url: `http://127.0.0.1:1/toaster.swu?sig=${SIGNATURE}` })
        return published
      },
      codes: `${outer} > SourceUnreachable`,
      says: ['"toaster.swu"', 'http://127.0.0.1:1/', 'refused'],
    },
    'the address is a private one that nobody allowed': {
      publish: () => {
        const published = publishUpdate(source, { files: [{ name: 'toaster.swu', bytes: BYTES }] })
        Object.assign(published.input.files?.[0] ?? {}, { url: `http://10.1.2.3:8080/toaster.swu?sig=${SIGNATURE}` })
        return published
      },
      codes: `${outer} > SourceRefused`,
      says: ['"toaster.swu"', '10.1.2.3 is a private address', '--allow-source 10.1.2.3:8080'],
    },
  })

  test('a SAS that has expired is not even tried, and the message says when it expired', async () => {
    const published = publishUpdate(source, {
      files: [{ name: 'toaster.swu', bytes: BYTES }],
      query: `?sv=2024-11-04&se=2020-02-03T04%3A05%3A06Z&sr=b&sp=r&sig=${SIGNATURE}`,
    })
    await assertFails([published.input], {
      codes: 'CannotProcessImportManifest > CannotDownload > SourceExpired',
      says: ['import manifest', 'expired at 2020-02-03T04:05:06Z', 'longer'],
      unasked: [...published.paths.values()],
    })
  })

  test('one file that fails ends the downloads of the others', async () => {
    const { input } = publishUpdate(source, {
      files: [
        { name: 'silent.bin', bytes: BYTES, behaviour: neverAnswer },
        { name: 'missing.bin', bytes: BYTES, behaviour: answerStatus(404) },
        { name: 'good.bin', bytes: BYTES },
      ],
    })
    await assertFails([input], {
      codes: `${outer} > SourceStatus`,
      says: ['"missing.bin"', '404'],
      isUnchecked: true,
    })
  })
})

describe('a reference that leads nowhere good fails the operation', () => {
  const nested = { provider: 'Nested', version: '1.0' }
  const ids = {
    leaf: { ...nested, name: 'Leaf' },
    middle: { ...nested, name: 'Middle' },
    top: { ...nested, name: 'Top' },
  }
  const parse = 'CannotProcessImportManifest > CannotParse'
  const child = (id: typeof ids.leaf, references: (typeof ids.leaf)[] = []) => {
    return publishUpdate(source, { ...id, isDeployable: false, references }).input
  }

  test('to an update that is not there', async () => {
    const { input } = publishUpdate(source, { references: [ids.leaf] })
    await assertFails([input], {
      codes: `${parse} > ReferenceNotFound`,
      says: ['Nested/Leaf/1.0', 'neither imported nor part of this request'],
      target: '/instructions/steps/1/updateId',
    })
  })

  test('to itself', async () => {
    const { input } = publishUpdate(source, { ...ids.top, references: [{ ...ids.top, name: 'TOP' }] })
    await assertFails([input], { codes: `${parse} > ReferenceToSelf`, says: ['Nested/Top/1.0', 'itself'] })
  })

  test('to a child of the same request that is deployable', async () => {
    const deployable = publishUpdate(source, ids.leaf).input
    const { input } = publishUpdate(source, { references: [ids.leaf] })
    await assertFails([deployable, input], {
      codes: `${parse} > ReferenceDeployable`,
      says: ['Nested/Leaf/1.0', '"isDeployable": false'],
      target: '/1/instructions/steps/1/updateId',
    })
  })

  test('to a grandchild of the same request', async () => {
    const inputs = [child(ids.top, [ids.middle]), child(ids.middle, [ids.leaf]), child(ids.leaf)]
    await assertFails(inputs, { codes: `${parse} > ReferenceNested`, says: ['Nested/Middle/1.0', 'one level'] })
  })

  test('to imported updates that are deployable or have children of their own', async () => {
    const deployable = publishUpdate(source)
    await succeed([deployable.input])
    await succeed([child(ids.leaf), child(ids.middle, [ids.leaf])])

    const { input } = publishUpdate(source, { references: [ids.middle, deployable.updateId] })
    const { error } = await assertFails([input], {
      codes: `${parse} > ReferenceNested`,
      says: ['Nested/Middle/1.0', 'one level', '1 more'],
    })
    assert.deepEqual(
      error?.details?.map(({ code }) => code),
      ['ReferenceNested', 'ReferenceDeployable'],
    )
  })
})

describe('an identity that is taken fails the operation', () => {
  test('by an update that is imported, also in other letter case and with leading zeros', async () => {
    await succeed([publishUpdate(source, { provider: 'Taken', name: 'Toaster', version: '1.2' }).input])
    for (const updateId of [
      { provider: 'Taken', name: 'Toaster', version: '1.2' },
      { provider: 'TAKEN', name: 'toasteR', version: '1.2' },
      { provider: 'Taken', name: 'Toaster', version: '01.002' },
    ]) {
      const { input, paths } = publishUpdate(source, updateId)
      await assertFails([input], {
        codes: 'UpdateAlreadyExists',
        says: ['Update with the same identity already exists', 'Taken/Toaster/1.2', 'new version'],
        unasked: [paths.get('toaster.swu')],
      })
    }
  })

  test('by another input of the same request', async () => {
    const first = publishUpdate(source, { provider: 'Twice', version: '1.0' })
    const second = publishUpdate(source, { provider: 'tWICE', version: '1.00' })
    await assertFails([first.input, second.input], {
      codes: 'CannotProcessImportManifest > CannotParse > UpdateRepeated',
      says: ['tWICE/Toaster/1.0', 'twice'],
      target: '/1',
    })
  })

  test('by another operation at the same moment: exactly one wins', async () => {
    const { input, updateId } = publishUpdate(source, { files: [meetingFile(2)] })
    const ends = await importTogether(input, input)
    assert.deepEqual(ends, ['DuplicateContentImport', 'Succeeded'])
    await client.getUpdate(updateId)
  })

  test('by another operation at the same moment with another manifest: exactly one wins', async () => {
    const [one, other] = [meetingFile(2), meetingFile(2)]
    const id = { provider: 'Raced', version: '1.0' }
    const meeting = { ...other, behaviour: one.behaviour, bytes: one.bytes }
    const ends = await importTogether(
      publishUpdate(source, { ...id, files: [one] }).input,
      publishUpdate(source, { ...id, files: [meeting], changes: { '/description': 'the other one' } }).input,
    )
    assert.deepEqual(ends, ['Succeeded', 'UpdateAlreadyExists'])
    assert.equal((await Array.fromAsync(client.listVersions({ provider: 'Raced', name: 'Toaster' }))).length, 1)
  })

  /** A file that the source sends only when it was asked for it `guests` times. */
  function meetingFile(guests: number) {
    const bytes = Buffer.from(`met ${Math.random()}`)
    const { promise: complete, resolve } = Promise.withResolvers<void>()
    let arrived = 0
    const behaviour: Behaviour = (request, response) => {
      arrived += 1
      if (arrived === guests) resolve()
      complete.then(() => serveBytes(bytes)(request, response))
    }
    return { name: 'toaster.swu', bytes, behaviour }
  }

  /** Imports both, and answers how they ended: code or status, in the order of the alphabet. */
  async function importTogether(...inputs: ImportUpdateInput[]): Promise<string[]> {
    const operations = await Promise.all(inputs.map((input) => importAndWait(client, [input])))
    for (const { error } of operations) {
      if (error !== undefined) assert.doesNotMatch(JSON.stringify(error), new RegExp(SIGNATURE))
    }
    return operations.map(({ status, error }) => error?.code ?? status).sort()
  }
})

describe('a request with several inputs', () => {
  test('fails as a whole when one of them is bad, and says which', async () => {
    const good = publishUpdate(source)
    const bad = publishUpdate(source, { changes: { '/isDeployable': 'yes' } })
    await assertFails([good.input, bad.input], {
      codes: 'CannotProcessImportManifest > CannotParse > TypeWrong',
      says: ['isDeployable'],
      target: '/1/isDeployable',
    })
  })

  test('tells the mistakes of all its inputs', async () => {
    const inputs = [
      publishUpdate(source, { manifestBehaviour: answerStatus(404) }).input,
      publishUpdate(source).input,
      publishUpdate(source, { changes: { '/isDeployable': 'yes', '/compatibility': [] } }).input,
      { ...publishUpdate(source).input, files: [] },
    ]
    const { error } = await assertFails(inputs, {
      codes: 'CannotProcessImportManifest > CannotDownload > SourceStatus',
      says: ['404'],
    })
    assert.deepEqual(
      error?.details?.map(({ code, target }) => [code, target]),
      [
        ['SourceStatus', '/0'],
        ['TypeWrong', '/2/isDeployable'],
        ['CountWrong', '/2/compatibility'],
        ['FileNotSupplied', '/3/files/0'],
      ],
    )
    assert.match(error?.details?.[0]?.message ?? '', /404/)
  })
})

test('a server that was not told otherwise fetches nothing from loopback, and says how to allow it', async () => {
  await using strict = await startAduana({ flags: [] })
  const strictClient = await strict.client()
  const { input } = publishUpdate(source)
  const { error } = await importAndWait(strictClient, [input])
  assert.equal(codesOf(error), 'CannotProcessImportManifest > CannotDownload > SourceRefused')
  assert.match(error?.innererror?.message ?? '', /loopback address/)
  assert.ok(error?.innererror?.message?.includes(`--allow-source 127.0.0.1:${source.port}`), error?.innererror?.message)
})

describe('what is left when all of this is over', () => {
  test('signatures of URLs are kept only while the operation needs them', async () => {
    const { promise: answered, resolve: answer } = Promise.withResolvers<void>()
    const behaviour: Behaviour = (request, response) => {
      answered.then(() => answerStatus(404)(request, response))
    }
    const { input } = publishUpdate(source, { files: [{ name: 'late.bin', bytes: BYTES, behaviour }] })
    const { operationId } = await client.importUpdate([input])
    // Otherwise this test would look in the wrong places.
    await eventually(
      'the signature is kept for the running operation',
      async () => (await filesWith(SIGNATURE)).length > 0,
    )
    answer()
    assert.equal((await operationEnd(client, operationId)).status, 'Failed')
    await eventually('no file has the signature', async () => (await filesWith(SIGNATURE)).length === 0)
    assert.ok(!aduana.log().includes(SIGNATURE), 'nor has the log')
    assert.ok(aduana.log().includes(operationId), 'which was written, though')
  })

  test('the blobs of failed imports are swept, those that an update uses stay', async () => {
    const shared = Buffer.from('used by an update and by an import that fails')
    const kept = publishUpdate(source, { files: [{ name: 'kept.bin', bytes: shared }] })
    await succeed([kept.input])

    // It fails only when the store has its other files.
    const lost = Buffer.from('only in an import that fails')
    const behaviour: Behaviour = (request, response) => {
      eventually('the blob is there', async () => (await storedDigests(aduana)).has(sha256Of(lost))).then(() =>
        answerStatus(500)(request, response),
      )
    }
    const { input } = publishUpdate(source, {
      files: [
        { name: 'kept.bin', bytes: shared },
        { name: 'lost.bin', bytes: lost },
        { name: 'failing.bin', bytes: BYTES, behaviour },
      ],
    })
    await assertFails([input], {
      codes: 'CannotProcessUpdateFile > ContentFileCannotDownload > SourceStatus',
      says: ['"failing.bin"', '500'],
    })

    const used = new Set<string>()
    for await (const { updateId } of client.listUpdates()) {
      const { files } = await client.getUpdateWithContent(updateId)
      for (const { hashes } of files) used.add(String(hashes.sha256))
    }
    assert.ok(used.has(sha256Of(shared)))
    const unused = async () => (await storedDigests(aduana)).difference(used)
    // The manifests of updates are blobs too, one for each update.
    const updates = (await Array.fromAsync(client.listUpdates())).length
    await eventually('what nothing uses is gone', async () => (await unused()).size === updates)
    assert.ok(!(await unused()).has(sha256Of(lost)))

    const [file] = (await client.getUpdateWithContent(kept.updateId)).files
    assert.deepEqual(Buffer.from(await (await fetch(file?.contentUrl ?? '')).arrayBuffer()), shared)
  })
})

/** One test for each publication: the POST is accepted, and the operation fails as expected. */
function cases(table: Record<string, Failure & { publish: Publication }>): void {
  for (const [name, { publish, ...failure }] of Object.entries(table)) {
    test(name, async () => {
      await assertFails([publish().input], failure)
    })
  }
}

/** Imports, and asserts all that is promised about an import that fails: also that a check tells the reason beforehand. */
async function assertFails(inputs: ImportUpdateInput[], failure: Failure): Promise<Operation> {
  const { codes, says, target, unasked = [], isUnchecked = false } = failure
  const before = await Array.fromAsync(client.listUpdates())
  const operation = await importAndWait(client, inputs)
  const { error } = operation
  assert.equal(operation.status, 'Failed')
  assert.equal(codesOf(error), codes, JSON.stringify(error))
  const message = error?.innererror?.message ?? error?.message ?? ''
  for (const part of says) {
    assert.ok(typeof part === 'string' ? message.includes(part) : part.test(message), `${part} is not in: ${message}`)
  }
  if (target !== undefined) assert.equal(error?.details?.[0]?.target, target)
  for (const path of unasked) assert.equal(requestsFor(source, path), 0, path)
  if (!isUnchecked) {
    const { status, error: found } = await checkAndWait(client, inputs, { deep: true })
    assert.equal(status, 'Failed')
    const foundCodes = found?.details?.map(({ code }) => code) ?? []
    assert.ok(foundCodes.includes(codesOf(error).split(' > ').at(-1) ?? ''), `${codes} is not among ${foundCodes}`)
    assert.ok(!JSON.stringify(found).includes(SIGNATURE))
  }
  assert.equal(operation.resourceLocation, undefined)
  assert.ok(!JSON.stringify(operation).includes(SIGNATURE))

  assert.deepEqual(await Array.fromAsync(client.listUpdates()), before, 'no update has come or changed')
  assert.deepEqual(await partialsOf(aduana), [], 'nothing half done lies about')
  return operation
}

async function succeed(inputs: ImportUpdateInput[]): Promise<void> {
  const { status, error } = await importAndWait(client, inputs)
  assert.equal(status, 'Succeeded', JSON.stringify(error))
}

function codesOf(error: Operation['error']): string {
  const codes = []
  if (error !== undefined) codes.push(error.code)
  for (let inner: InnerError | undefined = error?.innererror; inner; inner = inner.innerError) codes.push(inner.code)
  return codes.join(' > ')
}

/** The files of the data folder that have the text in them, and where the database is elsewhere, the operations there. */
async function filesWith(text: string): Promise<string[]> {
  const entries = await readdir(aduana.folder, { recursive: true, withFileTypes: true })
  const found: string[] = []
  if (aduana.databaseUrl !== undefined) {
    const operations = await operationsIn(aduana.databaseUrl)
    found.push(...operations.filter((operation) => operation.includes(text)))
  }
  for (const entry of entries.filter((entry) => entry.isFile())) {
    const path = join(entry.parentPath, entry.name)
    const bytes = await readFile(path).catch(() => Buffer.alloc(0))
    if (bytes.includes(text)) found.push(path)
  }
  return found
}

async function operationsIn(url: string): Promise<string[]> {
  const database = openPostgres(url)
  try {
    const rows = await database.query('select request, error from operations')
    return rows.map((row) => JSON.stringify(row))
  } finally {
    await database.close()
  }
}
