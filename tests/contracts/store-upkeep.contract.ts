import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { BlobName } from '../../src/domain/blob.ts'
import type { BlobStore } from '../../src/ports/blob-store.ts'
import type { StoreUpkeep } from '../../src/ports/upkeep.ts'
import { putBlob } from '../support/stock-catalogue.ts'

const MiB = 1024 * 1024

/** A store, and who looks after it. */
export interface UpkeepUnderTest {
  store: BlobStore
  upkeep: StoreUpkeep
  /** The same store as another process has opened it. */
  other: BlobStore
  /** Of a store that is not there. */
  ofNothing: StoreUpkeep
  /** Reads what lies at `damaged/NAME` in the store. */
  readDamaged(name: BlobName): Promise<Uint8Array>
  dispose(): Promise<void>
}

/** What everybody promises who looks after a store. */
export function storeUpkeepContract(name: string, open: () => Promise<UpkeepUnderTest>): void {
  function promise(sentence: string, body: (under: UpkeepUnderTest) => Promise<void>): void {
    test(sentence, async () => {
      const under = await open()
      await body(under).finally(under.dispose)
    })
  }

  describe(`store upkeep: ${name}`, () => {
    promise('a store that is well has no flaws, and one that is not there has, and is not made', async (under) => {
      assert.deepEqual(await under.upkeep.flaws(), [])
      for (let looks = 0; looks < 2; looks += 1) {
        const [flaw = ''] = await under.ofNothing.flaws()
        assert.match(flaw, /missing|could not list .* 404/)
      }
    })

    promise('what other processes have begun is found with its size and time, and can be dropped', async (under) => {
      const { store, other, upkeep } = under
      await putBlob(store, randomBytes(1000))
      const name = `${'5e'.repeat(32)}.0a1b2c3d` as const
      const before = Date.now() - 2000
      await using writer = await other.create({ name, sizeInBytes: 13 * MiB })
      await writer.write(randomBytes(12 * MiB))
      const found = await eventuallyOne(upkeep)
      assert.equal(found.name, name)
      assert.ok(found.sizeInBytes >= 5 * MiB && found.sizeInBytes <= 12 * MiB, `${found.sizeInBytes} bytes`)
      assert.ok(found.touchedAt >= before && found.touchedAt <= Date.now() + 2000)
      await writer[Symbol.asyncDispose]()
      assert.deepEqual(await Array.fromAsync(upkeep.partials()), [])
      await found.drop()

      await using left = await other.create({ name, sizeInBytes: 13 * MiB })
      await left.write(randomBytes(12 * MiB))
      assert.equal(await (await eventuallyOne(upkeep)).drop(), true)
      assert.deepEqual(await Array.fromAsync(upkeep.partials()), [])
      assert.equal(await store.size(name), undefined)
    })

    promise('what is taken out of service keeps its bytes, however large, and is found there', async (under) => {
      const { store, upkeep, readDamaged } = under
      for (const bytes of [Buffer.from('small'), randomBytes(6 * MiB)]) {
        const blob = await putBlob(store, bytes)
        const place = await upkeep.setAside(blob)
        assert.match(place, new RegExp(`damaged/${blob}$`))
        assert.equal(await store.size(blob), undefined)
        const aside = (await Array.fromAsync(upkeep.damaged())).find(({ name }) => name === blob)
        assert.equal(aside?.sizeInBytes, bytes.length)
        assert.ok((aside?.touchedAt ?? 0) > Date.now() - 60_000)
        assert.ok(bytes.equals(await readDamaged(blob)))
      }
      assert.deepEqual(await Array.fromAsync(store.list()), [])
    })
  })
}

/** Writers go on behind the back of whoever gives them bytes. */
async function eventuallyOne(upkeep: StoreUpkeep) {
  for (let tries = 0; tries < 100; tries += 1) {
    for await (const partial of upkeep.partials()) if (partial.sizeInBytes >= 5 * MiB) return partial
    await sleep(50)
  }
  throw new Error('Nothing was begun.')
}
