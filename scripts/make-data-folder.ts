// Stores a data folder as this version leaves it, for tests of later ones: `node scripts/make-data-folder.ts [--release]` writes
// tests/upgrades/VERSION/. A real server takes in updates of every kind in two instances, fails one, deletes one, and is killed while it
// imports another. With --release the version is noted as released in tests/upgrades/released.json: from then on neither its folder nor its
// migrations can be changed.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { glob, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { parseArgs } from 'node:util'
import { decodeJwt, decodeProtectedHeader, type JWTHeaderParameters } from 'jose'
import type { ApiClient } from '../src/client/api-client.ts'
import type { ImportUpdateInput } from '../src/client/api-types.ts'
import { VERSION } from '../src/version.ts'
import { bytesOf, changed, type Json, validManifest } from '../tests/support/import-manifests.ts'
import {
  type MisbehavingSource,
  serveBytes,
  serveOtherBytes,
  stall,
  startSource,
} from '../tests/support/misbehaving-source.ts'
import { eventually, importAndWait, operationEnd } from '../tests/support/operation-end.ts'
import { publishUpdate, sha256Of } from '../tests/support/publish-update.ts'
import { type Aduana, startAduana } from '../tests/support/start-aduana.ts'
import { packFolder } from '../tests/upgrades/packed-folder.ts'
import { type Answers, readAnswers } from '../tests/upgrades/read-answers.ts'
import { STORED_SOURCE, serveStored } from '../tests/upgrades/stored-source.ts'
import {
  currentMigrations,
  DATA_FOLDER,
  EXPECTED,
  RELEASED,
  readReleases,
  type StoredVersion,
  storedFolder,
} from '../tests/upgrades/stored-versions.ts'

const EXAMPLES = join(import.meta.dirname, '../examples')
const INSTANCES = ['default', 'second']
const MiB = 1024 * 1024
const HALF_BYTES = 4 * MiB

/** The lock and the memory of a process that is gone, and a certificate that any start makes again. */
const LEFT_OUT = new Set(['lock.db', 'lock.db-journal', 'aduana.db-shm', 'tls/server.pem', 'tls/server-key.pem'])

/** So that the operations are not forgotten after a week, before a later version has answered them. */
const KEPT_MS = 100 * 365 * 24 * 3600 * 1000

/** What the import in progress fetches: of the first file all is there when the server is killed, of the second the first half. */
const IN_PROGRESS = [
  { name: 'done.bin', fill: 'This file is there already. ', sizeInBytes: 5000 },
  { name: 'half.bin', fill: 'Of this file half is there. ', sizeInBytes: 2 * HALF_BYTES },
]

const { values } = parseArgs({ options: { release: { type: 'boolean', default: false } } })
const releases = readReleases()
if (releases.some(({ version }) => version === VERSION)) {
  console.error(`${VERSION} is released: what it leaves behind cannot change any more.`)
  process.exit(1)
}
await using source = await startSource()
await using aduana = await startAduana({
  flags: ['--allow-source', '127.0.0.0/8', ...INSTANCES.flatMap((instance) => ['--instance', instance])],
})
const answers = await fillCatalogue(aduana, source)
const token = await aduana.token(...INSTANCES.flatMap((instance) => ['--instance', instance]))
const inProgress = await leaveImport(aduana, source)
const packed = await packLeft(aduana.folder)

const migrations = currentMigrations()
const expected: StoredVersion = {
  version: VERSION,
  migrations,
  answers,
  token: { header: decodeProtectedHeader(token) as JWTHeaderParameters, payload: decodeJwt(token) },
  inProgress,
}
const target = storedFolder(VERSION)
await mkdir(target, { recursive: true })
await writeFile(join(target, DATA_FOLDER), packed)
await writeFile(join(target, EXPECTED), `${JSON.stringify(expected, null, 2)}\n`)
console.log(`${target}: ${packed.length} bytes`)
if (values.release) {
  await writeFile(RELEASED, `${JSON.stringify([...releases, { version: VERSION, migrations }], null, 2)}\n`)
  console.log(`${VERSION} is noted as released; no migration of it can be edited any more.`)
}

// As the style of the repository wants it, or the next check would complain.
execFileSync(join(import.meta.dirname, '../node_modules/.bin/biome'), ['format', '--write', target, RELEASED])

/** Fills both instances, and asks for everything that is in them then. */
async function fillCatalogue(aduana: Aduana, source: MisbehavingSource): Promise<Record<string, Answers>> {
  const client = await aduana.client('2022', 'default')
  for (const inputs of [...(await examples(source)), manifest3(source)]) await succeed(client, inputs)

  const bytes = Buffer.from('other bytes than these')
  const failing = publishUpdate(source, { files: [{ name: 'wrong.bin', bytes, behaviour: serveOtherBytes(bytes) }] })
  const { status } = await importAndWait(client, [failing.input])
  if (status !== 'Failed') throw new Error('An import of the wrong bytes succeeded.')

  const passing = publishUpdate(source, { provider: 'Contoso', name: 'Gone' })
  await succeed(client, [passing.input])
  const deletions = [passing.updateId, { provider: 'Contoso', name: 'Toaster-Heater', version: '2.0' }]
  const deletionIds: string[] = []
  for (const updateId of deletions) {
    const { operationId } = await client.deleteUpdate(updateId)
    await operationEnd(client, operationId)
    deletionIds.push(operationId)
  }

  const second = await aduana.client('2022', 'second')
  const settings = await exampleAt(source, 'script/contoso.toaster-settings.1.1.importmanifest.json')
  await succeed(second, [{ ...settings, friendlyName: 'Settings of the second instance' }])
  return { default: await readAnswers(client, deletionIds), second: await readAnswers(second, []) }
}

async function succeed(client: ApiClient, inputs: readonly ImportUpdateInput[]): Promise<void> {
  const { status, error } = await importAndWait(client, inputs)
  if (status !== 'Succeeded') throw new Error(`An import failed: ${JSON.stringify(error)}`)
}

/** Every example; those that belong together as one request. */
async function examples(source: MisbehavingSource): Promise<ImportUpdateInput[][]> {
  const paths = (await Array.fromAsync(glob('*/*.importmanifest.json', { cwd: EXAMPLES }))).sort()
  const alone = paths.filter((path) => !path.startsWith('bundle/')).map((path) => [path])
  const together = [...alone, paths.filter((path) => path.startsWith('bundle/'))]
  return Promise.all(together.map((group) => Promise.all(group.map((path) => exampleAt(source, path)))))
}

async function exampleAt(source: MisbehavingSource, path: string): Promise<ImportUpdateInput> {
  const manifestBytes = await readFile(join(EXAMPLES, path))
  const { files = [] } = JSON.parse(manifestBytes.toString()) as { files?: NamedFile[] }
  const names = files.flatMap((file) => [file, ...(file.relatedFiles ?? [])]).map(({ filename }) => filename)
  return publishUpdate(source, {
    manifestBytes,
    files: names.map((name) => ({ name, bytes: readFileSync(join(EXAMPLES, dirname(path), name)) })),
  }).input
}

interface NamedFile {
  filename: string
  relatedFiles?: NamedFile[]
}

/** A bundle in the version of the manifest that no example has, with the update that it is made of. */
function manifest3(source: MisbehavingSource): ImportUpdateInput[] {
  const bytes = Buffer.from('what a bundle installs')
  const files = [{ name: 'toaster.swu', bytes }]
  const child = publishUpdate(source, { provider: 'Contoso', name: 'Part', isDeployable: false, files })
  const manifest = changed(validManifest('3.0'), {
    '/updateId': { provider: 'Contoso', name: 'Whole', version: '3.0' },
    '/bundledUpdates': [{ ...child.updateId }] as Json,
    '/files/0/sizeInBytes': bytes.length,
    '/files/0/hashes': { sha256: sha256Of(bytes) },
  })
  return [publishUpdate(source, { manifestBytes: bytesOf(manifest), files }).input, child.input]
}

/** Starts an import from the source that later tests can bring back, and kills the server in the middle of it. */
async function leaveImport(aduana: Aduana, source: MisbehavingSource): Promise<StoredVersion['inProgress']> {
  const files = IN_PROGRESS.map(({ name, fill, sizeInBytes }) => ({ name, bytes: Buffer.alloc(sizeInBytes, fill) }))
  const published = publishUpdate(source, { provider: 'Contoso', name: 'Unfinished', files })
  const served = new Map([
    ['', published.manifestBytes],
    ...files.map(({ name, bytes }): [string, Uint8Array] => [name, bytes]),
  ])
  const pathOf = (name: string) => published.paths.get(name) ?? ''
  await using stored = await serveStored(
    new Map(
      [...served].map(([name, bytes]) => [
        pathOf(name),
        name === 'half.bin' ? stall(bytes, { afterBytes: HALF_BYTES }) : serveBytes(bytes),
      ]),
    ),
  )
  if (stored === undefined) throw new Error(`This machine has no address ${STORED_SOURCE.host}; Linux has.`)
  const moved = (url: string) => url.replace(`127.0.0.1:${source.port}`, `${STORED_SOURCE.host}:${STORED_SOURCE.port}`)
  const { importManifest, files: given = [] } = published.input
  const client = await aduana.client()
  const { operationId } = await client.importUpdate([
    {
      importManifest: { ...importManifest, url: moved(importManifest.url) },
      files: given.map(({ filename, url }) => ({ filename, url: moved(url) })),
    },
  ])
  await eventually('one file is there and half of the other', () => isHalfThere(aduana.folder))
  await aduana.stop('SIGKILL')
  const fills = new Map(IN_PROGRESS.map(({ name, fill }) => [name, fill]))
  return {
    operationId,
    instance: 'default',
    updateId: published.updateId,
    paths: Object.fromEntries(
      [...served].map(([name, bytes]) => [
        pathOf(name),
        { fill: fills.get(name) ?? Buffer.from(bytes).toString(), sizeInBytes: bytes.byteLength },
      ]),
    ),
    contents: Object.fromEntries(files.map(({ name, bytes }) => [name, sha256Of(bytes)])),
  }
}

/** Whether nothing more will come: the last whole block before the half is written, and nothing else is being written. */
async function isHalfThere(folder: string): Promise<boolean> {
  const partials = join(folder, 'blobs', 'partial')
  const sizes = await Promise.all(
    (await readdir(partials)).map(async (name) => (await stat(join(partials, name))).size),
  )
  return sizes.length === 1 && Number(sizes[0]) >= HALF_BYTES - MiB
}

/** Packs what the killed server left, its write-ahead log too. */
async function packLeft(folder: string): Promise<Buffer> {
  const database = new DatabaseSync(join(folder, 'aduana.db'))
  try {
    database.exec(`pragma wal_autocheckpoint = 0; update operations set ended_at = ended_at + ${KEPT_MS}`)
    // Whoever closes the database last moves the log into it: so it is packed before.
    return await packFolder(folder, (path) => LEFT_OUT.has(path))
  } finally {
    database.close()
  }
}
