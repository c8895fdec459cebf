// What `aduana init` writes is what a server imports: every manifest version, delta files, a parent with its child, apt.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { ImportUpdateInput } from '../../src/client/api-types.ts'
import { runAduana } from '../support/run-aduana.ts'
import { type Aduana, startAduana } from '../support/start-aduana.ts'
import { serveFolder, type WebServer } from '../support/web-server.ts'

let folder: string
let web: WebServer
let aduana: Aduana
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'aduana-init-'))
  const files = { 'install.sh': '#!/bin/sh\n', 'image-2.bin': 'the new image', 'image-1-to-2.diff': 'new' }
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  web = await serveFolder(folder)
  aduana = await startAduana()
})
after(async () => {
  await aduana?.[Symbol.asyncDispose]()
  await web?.[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

/** Makes a manifest in the folder that the web server serves, and checks it there. */
async function init(output: string, args: string[]): Promise<void> {
  const made = await runAduana(['init', ...args, '--output', output], { cwd: folder })
  assert.equal(made.status, 0, made.stderr)
  const checked = await runAduana(['check', output], { cwd: folder })
  assert.equal(checked.status, 0, checked.stdout)
  assert.doesNotMatch(checked.stdout, /not checked|warning/)
}

async function inputOf(manifestName: string): Promise<ImportUpdateInput> {
  const bytes = await readFile(join(folder, manifestName))
  const { files = [] }: { files?: { filename: string; relatedFiles?: { filename: string }[] }[] } = JSON.parse(
    bytes.toString(),
  )
  const url = (name: string) => `${web.origin}/${name}`
  return {
    importManifest: {
      url: url(manifestName),
      sizeInBytes: bytes.byteLength,
      hashes: { sha256: createHash('sha256').update(bytes).digest('base64') },
    },
    files: files
      .flatMap((file) => [file, ...(file.relatedFiles ?? [])])
      .map(({ filename }) => ({ filename, url: url(filename) })),
  }
}

const id = (name: string, version = '1.0') => ['--provider', 'Contoso', '--name', name, '--version', version]
const compat = ['--compat', 'manufacturer=Contoso', 'model=Toaster']

async function imported(...manifestNames: string[]) {
  const client = await aduana.client('2022')
  const inputs = await Promise.all(manifestNames.map(inputOf))
  const { operationId } = await client.importUpdate(inputs)
  const operation = await client.waitForOperation(operationId)
  assert.equal(operation.status, 'Succeeded', JSON.stringify(operation.error))
  return client
}

for (const version of ['5.0', '4.0', '2.0']) {
  test(`a manifest of version ${version} is imported with its files`, async () => {
    const name = `Toaster-${version}`
    await init(`${version}.json`, [
      ...[...id(name), ...compat, '--manifest-version', version, '--handler', 'microsoft/script:1'],
      ...['--file', 'install.sh', '--file', 'image-2.bin'],
    ])
    const client = await imported(`${version}.json`)
    const update = await client.getUpdate({ provider: 'Contoso', name, version: '1.0' })
    assert.equal(update.manifestVersion, version)
  })
}

test('a delta, an apt step and a parent with its child are imported together', async () => {
  const apt = ['--name', 'base-data', '--version', '3', '--package', 'tzdata', '--output', 'apt.json']
  assert.equal((await runAduana(['init', 'apt', ...apt], { cwd: folder })).status, 0)
  await init('child.json', [
    ...[...id('Child'), ...compat, '--is-deployable', 'false'],
    ...['--step', 'handler=microsoft/apt:1', '--file', 'apt.json', '--step', 'handler=microsoft/script:1'],
    ...['--file', 'install.sh', '--file', 'path=image-2.bin', 'downloadHandler=microsoft/delta:1'],
    ...['--related-file', 'path=image-1-to-2.diff', 'properties={"microsoft.sourceFileHashAlgorithm":"sha256"}'],
  ])
  await init('parent.json', [
    ...[...id('Parent'), ...compat, '--step', 'updateId.provider=Contoso'],
    ...['updateId.name=Child', 'updateId.version=1.0'],
  ])
  const client = await imported('parent.json', 'child.json')
  const child = await client.getUpdate({ provider: 'Contoso', name: 'Child', version: '1.0' })
  assert.equal(child.isDeployable, false)
  assert.deepEqual(child.referencedBy, [{ provider: 'Contoso', name: 'Parent', version: '1.0' }])
  assert.deepEqual(
    child.instructions?.steps.map(({ handlerProperties }) => handlerProperties),
    [{ installedCriteria: 'base-data-3' }, { scriptFileName: 'install.sh' }],
  )
})
