import type { BlobName } from '../../domain/blob.ts'
import type { BlobStore, StoredBlob } from '../../ports/blob-store.ts'
import type { Database } from '../../ports/database.ts'
import type { StoreUpkeep } from '../../ports/upkeep.ts'
import { findBlob, isBlobInForce, type KnownBlob, replaceBlob } from '../../store/blobs/blobs.ts'
import { listPartials } from '../../store/operations/progress.ts'
import { type CopyState, judgeCopy } from './judge-copy.ts'
import type { Pen, Step } from './step.ts'
import { copiesInForce, inStep } from './walk-copies.ts'

const HOUR_MS = 3600 * 1000
/** Longer than any import may take: until then it may still come in force, and the server deletes what does not within another day. */
const OLD_MS = 24 * HOUR_MS

/**
 * Whether the store holds what nothing names: copies that never came in force, and partial files that no operation goes on with. A repair
 * drops them, unless such a copy is the only good one of a content that the catalogue names; that one is put in force. Where nobody else is
 * at work (`isAlone`) that is done to them at any age, else only when they are as old as what a server deletes by itself.
 */
export function checkLeftovers({
  database,
  blobs,
  upkeep,
  isRepair,
  isAlone,
  howToRepair,
}: {
  database: () => Database
  blobs: () => BlobStore
  upkeep: StoreUpkeep
  isRepair: boolean
  isAlone: boolean
  /** As the begin of a sentence. */
  howToRepair: string
}): Step {
  /** One of the future would never grow old enough for the server to delete it. */
  const isOld = (touchedAt: number) => Date.now() - touchedAt > OLD_MS || touchedAt - Date.now() > HOUR_MS
  const isOurs = (touchedAt: number) => (isRepair && isAlone) || isOld(touchedAt)

  async function repairCopy({ name, sizeInBytes }: StoredBlob, pen: Pen): Promise<void> {
    const sha256 = name.slice(0, 64)
    const known = await findBlob(database(), sha256)
    if (known !== undefined) {
      const inForce = await judgeCopy({ sha256, ...known }, { blobs: blobs(), isDeep: true })
      if (inForce.kind !== 'good') return await takeInstead({ name, known, inForce }, pen)
    }
    await blobs().delete(name)
    pen.mended(`Deleted copy ${name} (${sizeInBytes} bytes), which was not in force.`, name)
  }

  /** The copy in force is not good, so this one is all there is. */
  async function takeInstead(
    { name, known, inForce }: { name: BlobName; known: KnownBlob; inForce: CopyState },
    pen: Pen,
  ): Promise<void> {
    const sha256 = name.slice(0, 64)
    const { sizeInBytes } = known
    const spare = await judgeCopy({ sha256, name, sizeInBytes }, { blobs: blobs(), isDeep: true })
    if (spare.kind === 'unreadable' || inForce.kind === 'unreadable') {
      pen.warn(`Copy ${name} is not in force, but kept, since it or ${known.name} cannot be read at present.`, name)
    } else if (spare.kind === 'good') {
      if (inForce.kind === 'damaged') await upkeep.setAside(known.name)
      const nowInForce = await replaceBlob(database(), { sha256, missing: known.name, name })
      if (nowInForce === name) pen.mended(`Copy ${name} is in force now, since ${known.name} is ${inForce.kind}.`, name)
    } else if (spare.kind === 'damaged') {
      pen.mended(`Copy ${name} was not in force and is damaged; it is kept as ${await upkeep.setAside(name)}.`, name)
    }
  }

  /** Answers how many copies there are, and how many of them were told about. */
  async function examineCopies(pen: Pen): Promise<{ count: number; told: number }> {
    let count = 0
    let told = 0
    for await (const { copy, stored } of inStep(copiesInForce(database()), blobs().list())) {
      if (stored === undefined) continue
      count += 1
      const { name, sizeInBytes, storedAt } = stored
      // It may have come in force since the rows were read.
      if (copy !== undefined || !isOurs(storedAt) || (await isBlobInForce(database(), name))) continue
      told += 1
      if (isRepair) {
        await repairCopy(stored, pen)
      } else {
        pen.warn(`Copy ${name} (${sizeInBytes} bytes, of ${dateOf(storedAt)}) is in the store, but not in force.`, name)
      }
    }
    return { count, told }
  }

  async function examinePartials(pen: Pen): Promise<number> {
    const wanted = await listPartials(database())
    let told = 0
    for await (const { name, sizeInBytes, touchedAt, drop } of upkeep.partials()) {
      if (wanted.has(name) || !isOurs(touchedAt)) continue
      told += 1
      if (isRepair) {
        if (await drop())
          pen.mended(`Deleted partial file ${name} (${sizeInBytes} bytes), which no operation goes on with.`, name)
      } else {
        pen.warn(`Partial file ${name} (${sizeInBytes} bytes, of ${dateOf(touchedAt)}) is part of no operation.`, name)
      }
    }
    return told
  }

  async function examineDamaged(pen: Pen): Promise<void> {
    let count = 0
    let bytes = 0
    let last: BlobName | undefined
    for await (const { name, sizeInBytes } of upkeep.damaged()) {
      count += 1
      bytes += sizeInBytes
      last = name
    }
    if (last !== undefined) {
      pen.note(
        `${count} damaged copies with ${bytes} bytes are kept out of service under "damaged" in the store, such as ${last}. Delete them when nobody wants to look at them.`,
      )
    }
  }

  return {
    name: 'leftovers',
    title: 'Leftovers',
    needs: ['database', 'schema', 'rows', 'store', 'store-mark'],
    async run(pen) {
      const { count, told } = await examineCopies(pen)
      const toldPartials = await examinePartials(pen)
      await examineDamaged(pen)
      if (told + toldPartials > 0 && !isRepair) {
        pen.note(`A server that runs deletes leftovers within a day. ${howToRepair} to have it done at once.`)
      }
      return `${count} copies are in the store.`
    },
  }
}

function dateOf(ms: number): string {
  return new Date(ms).toISOString()
}
