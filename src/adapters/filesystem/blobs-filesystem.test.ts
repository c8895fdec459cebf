import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readlink, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { blobStoreContract } from '../../../tests/contracts/blob-store.contract.ts'
import type { BlobName } from '../../domain/blob.ts'
import type { BlobStore } from '../../ports/blob-store.ts'
import { openFilesystemBlobs } from './blobs-filesystem.ts'
import { openSmallBlobs, type SmallBlobs } from './small-blobs.ts'

const name: BlobName = `${'5e'.repeat(32)}.0a1b2c3d`

async function openInTemporaryFolder({ smallBlobs }: { smallBlobs?: SmallBlobs } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'aduana-blobs-'))
  const store = await openFilesystemBlobs({ folder, ...(smallBlobs && { smallBlobs }) })
  return { folder, store, dispose: () => rm(folder, { recursive: true }) }
}

async function put(store: BlobStore, bytes: Uint8Array): Promise<void> {
  await using writer = await store.create({ name, sizeInBytes: bytes.length })
  await writer.write(bytes)
  await writer.commit()
}

blobStoreContract('filesystem', openInTemporaryFolder)

const smallBlobs = openSmallBlobs()
after(() => smallBlobs.close())
blobStoreContract('filesystem with a thread for what is small', () => openInTemporaryFolder({ smallBlobs }))

test('a blob lies under the first two digits of its digest, readable by owner and group only', async () => {
  const { folder, store, dispose } = await openInTemporaryFolder()
  try {
    await put(store, Buffer.from('bytes'))
    const found = await stat(join(folder, 'v1', '5e', name))
    assert.equal(found.size, 5)
    assert.equal(found.mode & 0o777, 0o640 & ~process.umask())
    assert.equal((await stat(join(folder, 'v1', '5e'))).mode & 0o777, 0o750 & ~process.umask())
    assert.deepEqual(await readdir(join(folder, 'partial')), [])
  } finally {
    await dispose()
  }
})

test('a store opened again has what was committed, and drops what a crash left', async () => {
  const { folder, store, dispose } = await openInTemporaryFolder()
  try {
    await put(store, Buffer.from('bytes'))
    const partial = join(folder, 'partial', `${'aa'.repeat(32)}.00000000`)
    await writeFile(partial, 'half')
    await utimes(partial, 1, 1)
    const reopened = await openFilesystemBlobs({ folder })
    const [blob, ...others] = await Array.fromAsync(reopened.list())
    assert.deepEqual([blob?.name, blob?.sizeInBytes, others], [name, 5, []])
    assert.equal(await reopened.dropAbandoned(60_000), 1)
    assert.deepEqual(await readdir(join(folder, 'partial')), [])
  } finally {
    await dispose()
  }
})

test('of several nodes on one folder each goes on with its own partial blobs only, and drops those of others after a day', async () => {
  const { folder, dispose } = await openInTemporaryFolder()
  try {
    const left = await openFilesystemBlobs({ folder, node: 'left' })
    const right = await openFilesystemBlobs({ folder, node: 'right' })
    const writer = await left.create({ name, sizeInBytes: 5 })
    await writer.write(Buffer.from('byt'))
    await writer.suspend()
    assert.equal(await right.resume({ name, sizeInBytes: 5, partial: name }), undefined)
    await right.abandon(name)
    assert.equal(await right.dropAbandoned(0), 0)
    const resumed = await left.resume({ name, sizeInBytes: 5, partial: name })
    assert.equal(resumed?.keptBytes, 3)
    await resumed?.write(Buffer.from('es'))
    await resumed?.commit()
    assert.equal(await right.size(name), 5)

    for (const path of ['left', 'gone', '.'].map((node) => join(folder, 'partial', node))) {
      await mkdir(path, { recursive: true })
      const partial = join(path, `${'aa'.repeat(32)}.00000000`)
      await writeFile(partial, 'half')
      await utimes(partial, 1, 1)
    }
    assert.equal(await right.dropAbandoned(0), 3)
  } finally {
    await dispose()
  }
})

test('files and folders of others are neither listed nor dropped', async () => {
  const { folder, store, dispose } = await openInTemporaryFolder()
  try {
    await mkdir(join(folder, 'v1', '5e', name), { recursive: true })
    await mkdir(join(folder, 'v1', 'lost+found'))
    const foreign = ['v1/README', 'v1/5e/notes.txt', `v1/5e/${'ff'.repeat(32)}.00000000`, 'partial/.nfs0001']
    for (const path of foreign) {
      await writeFile(join(folder, path), 'not ours')
      await utimes(join(folder, path), 1, 1)
    }
    assert.deepEqual(await Array.fromAsync(store.list()), [])
    assert.equal(await store.dropAbandoned(0), 0)
    for (const path of foreign) assert.ok((await stat(join(folder, path))).isFile())
  } finally {
    await dispose()
  }
})

test('a name is not written twice at the same time', async () => {
  const { store, dispose } = await openInTemporaryFolder()
  try {
    await using writer = await store.create({ name, sizeInBytes: 1 })
    await assert.rejects(store.create({ name, sizeInBytes: 1 }), /being written already/)
    await writer.write(Buffer.from('x'))
    await writer.commit()
  } finally {
    await dispose()
  }
})

test('a name that would lead out of the folder is refused', async () => {
  const { store, dispose } = await openInTemporaryFolder()
  try {
    const hostile: BlobName = '../../outside.txt'
    await assert.rejects(store.create({ name: hostile, sizeInBytes: 1 }), TypeError)
    await assert.rejects(store.open(hostile), TypeError)
    await assert.rejects(store.size(hostile), TypeError)
    await assert.rejects(store.delete(hostile), TypeError)
  } finally {
    await dispose()
  }
})

test('a blob that lost its end on the disk is reported, not read as if it were whole', async () => {
  const { folder, store, dispose } = await openInTemporaryFolder()
  try {
    await put(store, Buffer.alloc(1000))
    const whole = await store.open(name)
    await truncate(join(folder, 'v1', '5e', name), 400)
    await assert.rejects(Array.fromAsync(whole), { code: 'BlobMissing', message: /ends after 400 bytes/ })
  } finally {
    await dispose()
  }
})

test('no file stays open after reading to the end, leaving early, never beginning or disposing', {
  skip: process.platform !== 'linux' && 'open files can be counted on Linux only',
}, async () => {
  const { folder, store, dispose } = await openInTemporaryFolder()
  try {
    await put(store, Buffer.alloc(1024 * 1024))
    await store.open(name)
    for await (const _ of await store.open(name)) break
    for await (const _ of await store.open(name));
    const writer = await store.create({ name, sizeInBytes: 10 })
    await writer[Symbol.asyncDispose]()
    const open = await Promise.all(
      (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')),
    )
    assert.deepEqual(
      open.filter((path) => path.startsWith(folder)),
      [],
    )
  } finally {
    await dispose()
  }
})
