import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { glob, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { makeExamples } from '../scripts/make-examples.ts'
import { makeSwu } from '../scripts/make-swu.ts'
import { readImportManifest } from '../src/domain/read-import-manifest.ts'
import { formatUpdateId } from '../src/domain/update-id.ts'

const EXAMPLES = join(import.meta.dirname, '../examples')
const MANIFESTS = await Array.fromAsync(glob('*/*.importmanifest.json', { cwd: EXAMPLES }))

interface ManifestFile {
  filename: string
  sizeInBytes: number
  hashes: { sha256: string }
  relatedFiles?: ManifestFile[]
  properties?: Record<string, string>
}

interface Manifest {
  updateId: { provider: string; name: string; version: string }
  manifestVersion: string
  instructions?: { steps: { files?: string[]; handlerProperties?: Record<string, string> }[] }
  files?: ManifestFile[]
}

const read = (path: string) => readFile(join(EXAMPLES, path))
const readManifest = async (path: string): Promise<Manifest> => JSON.parse((await read(path)).toString())
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest()

test('what is committed under examples is what the script makes', async () => {
  const made = await makeExamples()
  assert.equal(made.size, MANIFESTS.length + 2)
  for (const [path, bytes] of made) {
    assert.ok(bytes.equals(await read(path)), `${path} is out of date: run node scripts/make-examples.ts`)
  }
})

test('there is an example in every manifest version that tools still write, named as the portal wants it', async () => {
  const manifests = await Promise.all(MANIFESTS.map(async (path) => [path, await readManifest(path)] as const))
  for (const [path, { updateId }] of manifests) {
    const name = `${updateId.provider}.${updateId.name}.${updateId.version}.importmanifest.json`
    assert.ok(path.endsWith(`/${name.toLowerCase()}`), path)
  }
  const versions = new Set(manifests.map(([, { manifestVersion }]) => manifestVersion))
  assert.deepEqual([...versions].sort(), ['2.0', '4.0', '5.0'])
})

test('sizes and hashes in the manifests fit the payloads', async () => {
  const checked: string[] = []
  for (const path of MANIFESTS) {
    const { files = [] } = await readManifest(path)
    for (const file of files.flatMap((file) => [file, ...(file.relatedFiles ?? [])])) {
      const payload = `${dirname(path)}/${file.filename}`
      const bytes = await read(payload)
      assert.equal(file.sizeInBytes, bytes.length, payload)
      assert.equal(file.hashes.sha256, sha256(bytes).toString('base64'), payload)
      checked.push(payload)
    }
  }
  assert.equal(checked.length, 10)
})

for (const path of MANIFESTS) {
  test(`${path} reads without errors or warnings`, async () => {
    const { manifest, errors, warnings } = readImportManifest(await read(path))
    assert.deepEqual([...errors, ...warnings], [])
    assert.ok(manifest)
  })
}

test('the bundle has a parent of two children that are not deployable by themselves', async () => {
  const paths = MANIFESTS.filter((path) => path.startsWith('bundle/'))
  const manifests = await Promise.all(paths.map(async (path) => readImportManifest(await read(path)).manifest))
  const [parent, ...others] = manifests.filter((manifest) => manifest?.isDeployable)
  const children = manifests.filter((manifest) => !manifest?.isDeployable)
  assert.deepEqual(others, [])
  assert.deepEqual(
    new Set(parent?.references.map(({ updateId }) => formatUpdateId(updateId))),
    new Set(children.map((child) => child && formatUpdateId(child.updateId))),
  )
  assert.equal(children.length, 2)
})

test('the source hash of the delta is that of the previous file', async () => {
  const { files = [] } = await readManifest('bundle/contoso.toaster-display.2.0.importmanifest.json')
  const [delta] = files.flatMap(({ relatedFiles = [] }) => relatedFiles)
  const previous = await read('bundle/previous/display-messages-1.0.json')
  assert.equal(delta?.properties?.['microsoft.sourceFileHash'], sha256(previous).toString('base64'))
})

/** Reads a cpio archive in the `crc` form, and checks everything that the form promises. */
function readSwu(archive: Buffer): { name: string; bytes: Buffer }[] {
  const entries: { name: string; bytes: Buffer }[] = []
  assert.equal(archive.length % 512, 0)
  for (let at = 0; ; ) {
    assert.equal(archive.toString('latin1', at, at + 6), '070702')
    const field = (index: number) =>
      Number.parseInt(archive.toString('latin1', at + 6 + index * 8, at + 14 + index * 8), 16)
    const [size, nameSize, checksum] = [field(6), field(11), field(12)]
    const name = archive.toString('utf8', at + 110, at + 110 + nameSize - 1)
    const start = Math.ceil((at + 110 + nameSize) / 4) * 4
    const bytes = archive.subarray(start, start + size)
    if (name === 'TRAILER!!!') return entries
    assert.equal(
      bytes.reduce((sum, byte) => sum + byte, 0),
      checksum,
      name,
    )
    entries.push({ name, bytes })
    at = Math.ceil((start + size) / 4) * 4
  }
}

test('the .swu is a cpio archive with checksums: first sw-description, then the image that it names by hash', async () => {
  const entries = readSwu(await read('swupdate/toaster-os-1.2.0.swu'))
  assert.deepEqual(
    entries.map(({ name }) => name),
    ['sw-description', 'toaster-root.squashfs'],
  )
  const [description, image] = entries.map(({ bytes }) => bytes) as [Buffer, Buffer]
  const hashes = [...description.toString().matchAll(/sha256 = "(.*)"/g)].map(([, hash]) => hash)
  assert.deepEqual(hashes, Array(2).fill(sha256(image).toString('hex')))
})

test('the image has the version file that the agent compares with installedCriteria', async () => {
  const { instructions } = await readManifest('swupdate/contoso.toaster-os.1.2.0.importmanifest.json')
  const image = await read('swupdate/source/toaster-root.squashfs')
  assert.equal(image.toString('latin1', 0, 4), 'hsqs')
  assert.ok(image.includes(`${instructions?.steps[0]?.handlerProperties?.installedCriteria}\n`))
})

test('a .swu may hold a signature and files of any length, and must begin with sw-description', () => {
  const entries = [0, 1, 2, 3, 4, 600].map((length, index) => ({
    name: index === 0 ? 'sw-description' : `${'f'.repeat(index)}.bin`,
    bytes: Buffer.alloc(length, 0xff),
  }))
  assert.deepEqual(readSwu(makeSwu(entries)), entries)
  assert.throws(() => makeSwu(entries.slice(1)), /sw-description/)
})

test('the script installs the file of its manifest in the steps that the agent takes', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'aduana-example-'))
  t.after(() => rm(folder, { recursive: true }))
  const { instructions } = await readManifest('script/contoso.toaster-settings.1.1.importmanifest.json')
  const properties = instructions?.steps[0]?.handlerProperties as Record<string, string>
  const target = join(folder, 'etc/contoso/toaster.conf')
  const resultFile = join(folder, 'result.json')

  const run = async (action: string, criteria = properties.installedCriteria as string) => {
    const given = (properties.arguments as string).replace('/etc/contoso/toaster.conf', target).split(' ')
    const script = join(EXAMPLES, 'script', properties.scriptFileName as string)
    const workFolder = join(EXAMPLES, 'script')
    await promisify(execFile)('sh', [
      ...[script, ...given, `--action-${action}`],
      ...['--work-folder', workFolder, '--result-file', resultFile, '--installed-criteria', criteria],
    ])
    return JSON.parse(await readFile(resultFile, 'utf8'))
  }
  const code = async (...call: Parameters<typeof run>) => (await run(...call)).resultCode

  assert.deepEqual(await run('is-installed'), { resultCode: 901, extendedResultCode: 0, resultDetails: '' })
  assert.equal(await code('download'), 500)
  assert.equal(await code('install'), 600)
  assert.equal(await code('is-installed'), 901)
  assert.equal(await code('apply'), 700)
  assert.equal(await code('is-installed'), 900)
  assert.equal(await code('is-installed', '1.2'), 901)
  assert.deepEqual(await readFile(target), await read('script/toaster.conf'))

  assert.equal(await code('install'), 600)
  assert.equal(await code('cancel'), 800)
  const failed = await run('apply')
  assert.equal(failed.resultCode, 0)
  assert.match(failed.resultDetails, /could not be moved/)
  assert.equal(await code('is-installed'), 900)
})
