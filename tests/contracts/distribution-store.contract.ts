import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { contentPath, newContentId } from '../../src/domain/distribution.ts'
import type { DistributionStore, NewCopy, StoredCopy } from '../../src/ports/distribution-store.ts'

const MiB = 1024 * 1024

/** A store under test, and what devices and others see and do there past it. */
export interface OpenedStore {
  store: DistributionStore
  /** Names of files that it refuses, since it could not keep them. */
  refused?: RegExp
  /** What a device downloads from this path; undefined if it gets nothing. */
  download(path: string): Promise<Buffer | undefined>
  /** Puts something there that is none of the store's business. */
  place(path: string, bytes: Uint8Array): Promise<void>
  /** Every path that can be seen there, in any order. */
  paths(): Promise<string[]>
  dispose(): Promise<void>
}

/** What every `DistributionStore` promises. `open` gives an empty one. */
export function distributionStoreContract(name: string, open: () => Promise<OpenedStore>): void {
  function promise(sentence: string, body: (opened: OpenedStore) => Promise<void>): void {
    test(sentence, async () => {
      const opened = await open()
      try {
        await body(opened)
      } finally {
        await opened.dispose()
      }
    })
  }

  describe(`distribution store: ${name}`, () => {
    for (const sizeInBytes of [1, 64 * 1024, 11 * MiB + 3]) {
      promise(`a copy of ${sizeInBytes} bytes is downloaded as it was put`, async ({ store, download }) => {
        const copy = sample(sizeInBytes)
        await store.put(copy, chunksOf(copy.bytes))
        assert.equal(await store.size(copy.path), sizeInBytes)
        assert.ok((await download(copy.path))?.equals(copy.bytes))
      })
    }

    promise('a file may be called whatever a manifest may call it', async ({ store, refused, download }) => {
      const names = [
        'a b.bin',
        ' two  spaces ',
        'ünïcödé 龍 🐉.swu',
        '%2e%2e',
        '#?&=+;:@!$\'()*,[]{}^~`|"<>',
        '.hidden',
        '...',
        '-rf',
      ]
      for (const fileName of names) {
        const copy = sample(100, fileName)
        if (refused?.test(fileName)) {
          await assert.rejects(store.put(copy, chunksOf(copy.bytes)), (error: Error) =>
            error.message.includes(fileName),
          )
          continue
        }
        await store.put(copy, chunksOf(copy.bytes))
        assert.equal(await store.size(copy.path), 100, fileName)
        assert.ok((await download(copy.path))?.equals(copy.bytes), fileName)
        assert.deepEqual(await listedPaths(store), [copy.path])
        await store.delete(copy.path)
        assert.deepEqual(await listedPaths(store), [], fileName)
      }
    })

    promise('nothing of a copy is seen before it is whole', async ({ store, paths }) => {
      const copy = sample(11 * MiB)
      async function* watched() {
        for await (const chunk of chunksOf(copy.bytes)) {
          yield chunk
          assert.equal(await store.size(copy.path), undefined)
          assert.deepEqual(await listedPaths(store), [])
        }
        assert.deepEqual(visible(await paths()), [])
      }
      await store.put(copy, watched())
      assert.deepEqual(visible(await paths()), [copy.path])
    })

    promise('bytes that throw, end early or do not end in time leave nothing', async ({ store, paths }) => {
      for (const sizeInBytes of [1000, 11 * MiB]) {
        const copy = sample(sizeInBytes)
        const failure = new Error('for the sake of a test')
        async function* broken() {
          yield copy.bytes.subarray(0, sizeInBytes - 1)
          throw failure
        }
        await assert.rejects(store.put(copy, broken()), (error: Error) => {
          return error === failure || error.cause === failure
        })
        await assert.rejects(store.put(copy, chunksOf(copy.bytes.subarray(1))))
        await assert.rejects(store.put(copy, chunksOf(Buffer.concat([copy.bytes, copy.bytes.subarray(0, 1)]))))
        assert.equal(await store.size(copy.path), undefined)
        assert.deepEqual(visible(await paths()), [])
      }
    })

    promise('a failure leaves in place what was there', async ({ store, download }) => {
      const copy = sample(1000)
      await store.put(copy, chunksOf(copy.bytes))
      await assert.rejects(store.put(copy, chunksOf(copy.bytes.subarray(1))))
      assert.ok((await download(copy.path))?.equals(copy.bytes))
    })

    promise('a copy takes the place of whatever is there', async ({ store, download, place }) => {
      const copy = sample(1000)
      await place(copy.path, copy.bytes.subarray(0, 500))
      assert.equal(await store.size(copy.path), 500)
      await store.put(copy, chunksOf(copy.bytes))
      assert.ok((await download(copy.path))?.equals(copy.bytes))
    })

    promise('several may put the same copy at the same time', async ({ store, download, paths }) => {
      const copy = sample(6 * MiB + 1)
      await Promise.all(Array.from({ length: 4 }, () => store.put(copy, chunksOf(copy.bytes))))
      assert.ok((await download(copy.path))?.equals(copy.bytes))
      assert.deepEqual(visible(await paths()), [copy.path])
    })

    promise('deleting is harmless when repeated, and deletes nothing else', async ({ store, place, paths }) => {
      const [kept, deleted] = [sample(10), sample(10)]
      const beside = `${deleted.path}.txt`
      for (const copy of [kept, deleted]) await store.put(copy, chunksOf(copy.bytes))
      await place(beside, kept.bytes)
      await store.delete(deleted.path)
      await store.delete(deleted.path)
      await store.delete(sample(1).path)
      assert.equal(await store.size(deleted.path), undefined)
      assert.deepEqual(visible(await paths()).sort(), [kept.path, beside].sort())
    })

    promise('the list has every copy once, with its size and when it was stored', async ({ store }) => {
      const begunAt = Date.now()
      const copies = Array.from({ length: 40 }, (_, index) => sample(index + 1))
      await Promise.all(copies.map((copy) => store.put(copy, chunksOf(copy.bytes))))
      const listed = await Array.fromAsync(store.list())
      assert.deepEqual(
        listed.map(({ path, sizeInBytes }) => [path, sizeInBytes]),
        copies.map(({ path, sizeInBytes }) => [path, sizeInBytes]).sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
      )
      for (const { storedAt } of listed) {
        // Stores may count in whole seconds.
        assert.ok(storedAt >= begunAt - 1000 && storedAt <= Date.now() + 1000, `stored at ${storedAt}`)
      }
    })

    promise('a long list is in the order of the content ids', async ({ store, place }) => {
      const bytes = Buffer.from('x')
      const wanted = Array.from({ length: 1100 }, () => contentPath({ contentId: newContentId(), fileName: 'a.bin' }))
      for (let begin = 0; begin < wanted.length; begin += 50) {
        await Promise.all(wanted.slice(begin, begin + 50).map((path) => place(path, bytes)))
      }
      assert.deepEqual(await listedPaths(store), wanted.sort())
    })

    promise('what others keep beside the copies is neither listed nor touched', async ({ store, place, paths }) => {
      const copy = sample(10)
      const others = [
        'index.html',
        'images/logo.svg',
        `${newContentId().toUpperCase()}/a.bin`,
        `${newContentId()}0/a.bin`,
      ]
      for (const path of others) await place(path, copy.bytes)
      await store.put(copy, chunksOf(copy.bytes))
      assert.deepEqual(await listedPaths(store), [copy.path])
      await store.delete(copy.path)
      assert.deepEqual(visible(await paths()).sort(), others.sort())
    })

    promise('a list may be left early', async ({ store }) => {
      for (const copy of [sample(1), sample(1)]) await store.put(copy, chunksOf(copy.bytes))
      const seen: StoredCopy[] = []
      for await (const copy of store.list()) {
        seen.push(copy)
        break
      }
      assert.equal(seen.length, 1)
      assert.equal((await listedPaths(store)).length, 2)
    })
  })
}

interface Sample extends NewCopy {
  bytes: Buffer
}

function sample(sizeInBytes: number, fileName = 'firmware.swu'): Sample {
  const bytes = randomBytes(sizeInBytes)
  const path = contentPath({ contentId: newContentId(), fileName })
  return { path, fileName, sizeInBytes, sha256: createHash('sha256').update(bytes).digest('hex'), bytes }
}

async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += 256 * 1024) yield bytes.subarray(start, start + 256 * 1024)
}

async function listedPaths(store: DistributionStore): Promise<string[]> {
  return (await Array.fromAsync(store.list())).map(({ path }) => path)
}

/** Web servers are told to keep what is hidden to themselves. */
function visible(paths: string[]): string[] {
  return paths.filter((path) => !path.startsWith('.'))
}
