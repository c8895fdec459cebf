import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type BlobName, newBlobName } from '../../src/domain/blob.ts'
import type { BlobStore, BlobWriter } from '../../src/ports/blob-store.ts'

const MiB = 1024 * 1024

/**
 * What every `BlobStore` promises. `open` gives an empty store; `dispose` removes it with everything that is in it.
 * Each test must also leave the store empty once its blobs are deleted: no half-written bytes may remain.
 */
export function blobStoreContract(
  name: string,
  open: () => Promise<{ store: BlobStore; dispose(): Promise<void> }>,
): void {
  function promise(sentence: string, body: (store: BlobStore) => Promise<void>): void {
    test(sentence, async () => {
      const { store, dispose } = await open()
      try {
        await body(store)
        for (const blob of await listed(store)) await store.delete(blob.name)
        assert.deepEqual(await listed(store), [], 'deleted blobs are still listed')
        assert.equal(await store.dropAbandoned(0), 0, 'a writer left bytes behind')
      } finally {
        await dispose()
      }
    })
  }

  describe(`blob store: ${name}`, () => {
    for (const sizeInBytes of [0, 1, 64 * 1024, 5 * MiB + 3]) {
      promise(`a committed blob of ${sizeInBytes} bytes reads back as it was written`, async (store) => {
        const blob = sample(sizeInBytes)
        await put(store, blob)
        assert.equal(await store.size(blob.name), sizeInBytes)
        assert.ok(blob.bytes.equals(await read(store, blob.name)))
      })
    }

    promise('chunks of any size make one blob, and a chunk may be reused once it is written', async (store) => {
      const blob = sample(3 * MiB + 11)
      await using writer = await store.create(blob)
      const chunk = Buffer.alloc(2 * MiB)
      let position = 0
      for (const length of [0, 1, 7, 2 * MiB, 0, 64 * 1024, 300_000, blob.sizeInBytes]) {
        const count = blob.bytes.copy(chunk, 0, position, position + Math.min(length, chunk.length))
        await writer.write(chunk.subarray(0, count))
        chunk.fill(0xee)
        position += count
      }
      assert.equal(position, blob.sizeInBytes)
      await writer.commit()
      assert.ok(blob.bytes.equals(await read(store, blob.name)))
    })

    promise('nothing can be seen of a blob before its commit', async (store) => {
      const blob = sample(2 * MiB)
      await using writer = await store.create(blob)
      await writer.write(blob.bytes)
      assert.equal(await store.size(blob.name), undefined)
      assert.deepEqual(await listed(store), [])
      await assert.rejects(read(store, blob.name), { code: 'BlobMissing' })
      await writer.commit()
      assert.deepEqual(
        (await listed(store)).map(({ name }) => name),
        [blob.name],
      )
    })

    promise('a blob that got fewer or more bytes than announced is refused and leaves nothing', async (store) => {
      for (const difference of [-1, 1]) {
        const blob = sample(1000)
        await assert.rejects(async () => {
          await using writer = await store.create({ name: blob.name, sizeInBytes: blob.sizeInBytes - difference })
          await writer.write(blob.bytes)
          await writer.commit()
        })
        assert.equal(await store.size(blob.name), undefined)
        assert.deepEqual(await listed(store), [])
      }
    })

    promise('disposing of a writer drops what it wrote, and after a commit changes nothing', async (store) => {
      const dropped = sample(2 * MiB)
      const writer = await store.create(dropped)
      await writer.write(dropped.bytes.subarray(0, MiB + 1))
      await writer[Symbol.asyncDispose]()
      await writer[Symbol.asyncDispose]()
      assert.equal(await store.size(dropped.name), undefined)

      const kept = sample(1000)
      const committed = await store.create(kept)
      await committed.write(kept.bytes)
      await committed.commit()
      await committed[Symbol.asyncDispose]()
      assert.ok(kept.bytes.equals(await read(store, kept.name)))
    })

    promise('a range reads exactly its bytes, the first and the last included', async (store) => {
      const blob = sample(MiB + 17)
      await put(store, blob)
      const last = blob.sizeInBytes - 1
      for (const [start, end] of [
        [0, 0],
        [last, last],
        [0, last],
        [1, 2],
        [last - 300_000, last],
        [262_143, 262_144],
      ] as const) {
        const bytes = await read(store, blob.name, { start, end })
        assert.ok(blob.bytes.subarray(start, end + 1).equals(bytes), `bytes ${start} to ${end}`)
      }
    })

    promise('a blob that is not there has no size and cannot be opened', async (store) => {
      const { name } = sample(10)
      assert.equal(await store.size(name), undefined)
      await assert.rejects(store.open(name), { name: 'AppError', code: 'BlobMissing' })
      await assert.rejects(store.open(name, { start: 0, end: 0 }), { name: 'AppError', code: 'BlobMissing' })
    })

    promise('writers of the same content under different names do not disturb each other', async (store) => {
      const original = sample(MiB + 5)
      const copies = Array.from({ length: 8 }, () => ({ ...original, name: newBlobName(original.name.slice(0, 64)) }))
      await Promise.all(copies.map((copy) => put(store, copy)))
      await store.delete(copies[0]!.name)
      assert.equal(await store.size(copies[0]!.name), undefined)
      for (const copy of copies.slice(1)) assert.ok(original.bytes.equals(await read(store, copy.name)))
    })

    promise('many readers of one blob each get all of it', async (store) => {
      const blob = sample(2 * MiB + 1)
      await put(store, blob)
      const answers = await Promise.all(Array.from({ length: 8 }, () => read(store, blob.name)))
      for (const bytes of answers) assert.ok(blob.bytes.equals(bytes))
    })

    promise('an iteration may be left early or never begun', async (store) => {
      const blob = sample(3 * MiB)
      await put(store, blob)
      await store.open(blob.name)
      for await (const chunk of await store.open(blob.name)) {
        assert.ok(chunk.length > 0)
        break
      }
      assert.ok(blob.bytes.equals(await read(store, blob.name)))
    })

    promise('deleting is harmless when repeated, and deletes nothing else', async (store) => {
      const [kept, deleted] = [sample(100), sample(100)]
      const copy = { ...deleted, name: newBlobName(deleted.name.slice(0, 64)) }
      for (const blob of [kept, deleted, copy]) await put(store, blob)
      await store.delete(deleted.name)
      await store.delete(deleted.name)
      await store.delete(sample(1).name)
      assert.equal(await store.size(deleted.name), undefined)
      await assert.rejects(store.open(deleted.name), { code: 'BlobMissing' })
      for (const blob of [kept, copy]) assert.ok(blob.bytes.equals(await read(store, blob.name)))
    })

    promise('the list has every committed blob once, with its size and when it was stored', async (store) => {
      const begunAt = Date.now()
      const blobs = [0, 1, 2, 300, 70_000].map(sample)
      await Promise.all(blobs.map((blob) => put(store, blob)))
      const found = new Map((await listed(store)).map((blob) => [blob.name, blob]))
      assert.equal(found.size, blobs.length)
      for (const { name, sizeInBytes } of blobs) {
        const { sizeInBytes: listedBytes, storedAt } = found.get(name)!
        assert.equal(listedBytes, sizeInBytes)
        // Stores may count in whole seconds.
        assert.ok(storedAt >= begunAt - 1000 && storedAt <= Date.now() + 1000, `stored at ${storedAt}`)
      }
    })

    promise('the list is in the order of names', async (store) => {
      for (let i = 0; i < 20; i += 1) await put(store, sample(1))
      const names = (await listed(store)).map(({ name }) => name)
      assert.deepEqual(names, names.toSorted())
      assert.equal(names.length, 20)
    })

    promise('what is being written is never dropped, what was given up is, unless it is to be kept', async (store) => {
      const [committed, suspended, young] = [sample(10), sample(20), sample(30)]
      await put(store, committed)
      await using forgotten = await store.create(suspended)
      await forgotten.write(suspended.bytes.subarray(0, 11))
      await sleep(50)
      assert.equal(await store.dropAbandoned(25), 0, 'it is being written')
      await forgotten.suspend()
      await sleep(50)
      assert.equal(await store.dropAbandoned(60_000), 0, 'it is young')
      assert.equal(await store.dropAbandoned(25, new Set([suspended.name])), 0, 'it is to be kept')
      await store.dropAbandoned(25)
      assert.equal(await store.resume({ ...suspended, partial: suspended.name }), undefined)
      assert.equal(await store.size(suspended.name), undefined)

      await using writer = await store.create(young)
      await writer.write(young.bytes)
      await writer.commit()
      assert.ok(young.bytes.equals(await read(store, young.name)))
      assert.ok(committed.bytes.equals(await read(store, committed.name)))
    })

    promise(
      'what a suspended writer kept reads back as the beginning, and goes on under another name',
      async (store) => {
        const blob = sample(3 * MiB + 7)
        const begun = 2 * MiB + 3
        {
          await using writer = await store.create(blob)
          await writer.write(blob.bytes.subarray(0, begun))
          assert.equal(await store.resume({ ...blob, partial: blob.name }), undefined, 'somebody writes it')
          await store.abandon(blob.name)
          await writer.suspend()
        }
        assert.equal(await store.size(blob.name), undefined)
        const name = newBlobName(blob.name.slice(0, 64))
        const resumed = await store.resume({ name, sizeInBytes: blob.sizeInBytes, partial: blob.name })
        // A store may keep nothing, but never something else.
        if (resumed === undefined) return
        await using writer = resumed
        assert.ok(writer.keptBytes <= begun)
        const kept = Buffer.concat(await Array.fromAsync(writer.kept()))
        assert.ok(kept.equals(blob.bytes.subarray(0, writer.keptBytes)))
        await writer.write(blob.bytes.subarray(writer.keptBytes))
        await writer.commit()
        assert.ok(blob.bytes.equals(await read(store, name)))
        assert.equal(await store.size(blob.name), undefined)
      },
    )

    promise('what a resumed writer gives up, or what is abandoned, is gone', async (store) => {
      for (const giveUp of ['dispose', 'abandon']) {
        const blob = sample(100_000)
        const writer = await store.create(blob)
        await writer.write(blob.bytes.subarray(0, 70_000))
        await writer.suspend()
        const name = newBlobName(blob.name.slice(0, 64))
        if (giveUp === 'abandon') await store.abandon(blob.name)
        else await (await store.resume({ ...blob, name, partial: blob.name }))?.[Symbol.asyncDispose]()
        assert.equal(await store.resume({ ...blob, name, partial: blob.name }), undefined, giveUp)
      }
    })

    promise('more than the whole is not gone on with, and what was never begun neither', async (store) => {
      const blob = sample(1000)
      assert.equal(await store.resume({ ...blob, partial: blob.name }), undefined)
      await store.abandon(blob.name)
      const writer = await store.create(blob)
      await writer.write(blob.bytes)
      await writer.suspend()
      assert.equal(await store.resume({ ...blob, sizeInBytes: 999, partial: blob.name }), undefined)
      await store.abandon(blob.name)
    })
  })
}

interface Sample {
  name: BlobName
  sizeInBytes: number
  bytes: Buffer
}

function sample(sizeInBytes: number): Sample {
  const bytes = randomBytes(sizeInBytes)
  return { name: newBlobName(createHash('sha256').update(bytes).digest('hex')), sizeInBytes, bytes }
}

async function put(store: BlobStore, blob: Sample): Promise<void> {
  await using writer: BlobWriter = await store.create(blob)
  for (let start = 0; start < blob.sizeInBytes; start += 64 * 1024) {
    await writer.write(blob.bytes.subarray(start, start + 64 * 1024))
  }
  await writer.commit()
}

async function read(store: BlobStore, name: BlobName, range?: { start: number; end: number }): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(await store.open(name, range)))
}

async function listed(store: BlobStore) {
  return await Array.fromAsync(store.list())
}
