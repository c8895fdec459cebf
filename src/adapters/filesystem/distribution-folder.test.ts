import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { distributionStoreContract } from '../../../tests/contracts/distribution-store.contract.ts'
import { newContentId } from '../../domain/distribution.ts'
import { openDistributionFolder } from './distribution-folder.ts'

async function newFolder(): Promise<string> {
  return await mkdtemp(join(tmpdir(), 'aduana-distribution-'))
}

distributionStoreContract('folder', async () => {
  const folder = await newFolder()
  return {
    store: openDistributionFolder(folder),
    download: (path) => readFile(join(folder, path)).catch(() => undefined),
    async place(path, bytes) {
      await mkdir(join(folder, dirname(path)), { recursive: true })
      await writeFile(join(folder, path), bytes)
    },
    async paths() {
      const entries = await readdir(folder, { recursive: true, withFileTypes: true })
      const files = entries.filter((entry) => entry.isFile())
      return files.map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    },
    dispose: () => rm(folder, { recursive: true, force: true }),
  }
})

const BYTES = Buffer.from('the bytes')

function newCopy() {
  const path = `${newContentId()}/a.bin`
  return { path, fileName: 'a.bin', sizeInBytes: BYTES.length, sha256: '' }
}

async function* bytes() {
  yield BYTES
}

test('a distribution folder that is not there is empty, and is made for the first copy', async () => {
  const parent = await newFolder()
  const folder = join(parent, 'deep/inside')
  const store = openDistributionFolder(folder)
  const copy = newCopy()
  assert.deepEqual(await Array.fromAsync(store.list()), [])
  assert.equal(await store.size(copy.path), undefined)
  await store.delete(copy.path)
  await store.put(copy, bytes())
  assert.equal(await store.size(copy.path), BYTES.length)
  await rm(folder, { recursive: true })
  assert.deepEqual(await Array.fromAsync(store.list()), [])
  await store.put(copy, bytes())
  assert.deepEqual((await readdir(folder)).sort(), ['.partial', dirname(copy.path)])
  await store.delete(copy.path)
  assert.deepEqual(await readdir(folder), ['.partial'], 'its own folder went with the last copy')
  await rm(parent, { recursive: true })
})

test('a distribution folder that cannot be read is not taken for an empty one', async () => {
  const parent = await newFolder()
  const folder = join(parent, 'a-file')
  await writeFile(folder, '')
  const store = openDistributionFolder(folder)
  await assert.rejects(Array.fromAsync(store.list()), { code: 'ENOTDIR' })
  await assert.rejects(store.size(newCopy().path), { code: 'ENOTDIR' })
  await assert.rejects(store.put(newCopy(), bytes()))
  await rm(parent, { recursive: true })
})

test('everybody may read a copy, as far as the umask lets them', async () => {
  const folder = await newFolder()
  const copy = newCopy()
  await openDistributionFolder(folder).put(copy, bytes())
  const umask = process.umask()
  assert.equal((await stat(join(folder, copy.path))).mode & 0o777, 0o644 & ~umask)
  assert.equal((await stat(join(folder, dirname(copy.path)))).mode & 0o777, 0o755 & ~umask)
  await rm(folder, { recursive: true })
})

test('what a crash has left is deleted a day later', async () => {
  const folder = await newFolder()
  const store = openDistributionFolder(folder)
  await store.put(newCopy(), bytes())
  const [old, young] = ['a', 'b'].map((digit) => join(folder, '.partial', digit.repeat(32))) as [string, string]
  for (const path of [old, young]) await writeFile(path, BYTES)
  const then = new Date(Date.now() - 25 * 3600 * 1000)
  await utimes(old, then, then)
  await Array.fromAsync(store.list())
  assert.deepEqual(await readdir(join(folder, '.partial')), ['b'.repeat(32)])
  await rm(folder, { recursive: true })
})

test('a path that leads elsewhere is refused', async () => {
  const folder = await newFolder()
  const store = openDistributionFolder(folder)
  for (const path of [
    '../secret',
    `${newContentId()}/..`,
    `${newContentId()}/../../x`,
    'a.bin',
    `${newContentId()}/`,
  ]) {
    for (const use of [
      () => store.put({ ...newCopy(), path }, bytes()),
      () => store.size(path),
      () => store.delete(path),
    ]) {
      await assert.rejects(use, TypeError, path)
    }
  }
  assert.deepEqual(await readdir(folder), [])
  await rm(folder, { recursive: true })
})
