import { createHash } from 'node:crypto'
import type { BlobName } from '../../domain/blob.ts'
import type { BlobStore } from '../../ports/blob-store.ts'
import type { Database } from '../../ports/database.ts'
import { describeUser, listCopyBlobs } from '../../store/backup.ts'
import { forEachLimited } from '../for-each-limited.ts'

const PAGE = 500
/** Small files are mostly flushes to wait for. */
const COPIES_AT_ONCE = 4
/** With so many faults it is not about single blobs any more. */
const FAULTS_MAX = 100
/** Faults that a sentence names. */
const NAMED_MAX = 10

interface Blob {
  name: BlobName
  sizeInBytes: number
}

export interface CopyReport {
  copiedBlobs: number
  copiedBytes: number
  /** Not in the source. */
  gone: BlobName[]
  /** Other bytes than their name says, or unreadable; with the reason. Never copied. */
  damaged: { name: BlobName; reason: string }[]
}

/**
 * Copies every blob that the catalogue names from one store to another, each checked on the way against size and SHA-256 and committed
 * only then. What is there with its size is left alone, or with `verify` read and checked, and replaced if it is damaged. Goes on past
 * faults, up to a hundred; what the target cannot take throws.
 */
export async function copyBlobs(
  catalogue: Database,
  { source, target, verify }: { source: BlobStore; target: BlobStore; verify: boolean },
): Promise<CopyReport> {
  const report: CopyReport = { copiedBlobs: 0, copiedBytes: 0, gone: [], damaged: [] }
  const { signal } = new AbortController()
  for (let after = ''; report.gone.length + report.damaged.length < FAULTS_MAX; ) {
    const page = await listCopyBlobs(catalogue, { after, limit: PAGE })
    await forEachLimited(page, { limit: COPIES_AT_ONCE, signal }, async (blob) => {
      const isThere = (await target.size(blob.name)) === blob.sizeInBytes
      if (isThere && (!verify || (await flawOf(blob, target)) === undefined)) return
      const reason = await copyBlob(blob, { source, target })
      if (reason === undefined) {
        report.copiedBlobs += 1
        report.copiedBytes += blob.sizeInBytes
      } else if ((await source.size(blob.name)) === undefined) report.gone.push(blob.name)
      else report.damaged.push({ name: blob.name, reason })
    })
    const last = page.at(-1)
    if (last === undefined || page.length < PAGE) break
    after = last.name
  }
  return report
}

/** Blobs that the catalogue names and the store does not have, with their size; at most a hundred. */
export async function findMissing(catalogue: Database, store: BlobStore): Promise<BlobName[]> {
  const missing: BlobName[] = []
  for (let after = ''; missing.length < FAULTS_MAX; ) {
    const page = await listCopyBlobs(catalogue, { after, limit: PAGE })
    for (const { name, sizeInBytes } of page) if ((await store.size(name)) !== sizeInBytes) missing.push(name)
    const last = page.at(-1)
    if (last === undefined) break
    after = last.name
  }
  return missing
}

/** Names blobs, and for each an update that needs it: one line for each. */
export async function describeBlobs(
  catalogue: Database,
  blobs: readonly { name: BlobName; reason: string }[],
): Promise<string> {
  const lines = await Promise.all(
    blobs
      .slice(0, NAMED_MAX)
      .map(async ({ name, reason }) => `\n  ${name}: ${reason}; ${await describeUser(catalogue, name)} needs it`),
  )
  const more = blobs.length > NAMED_MAX ? `\n  and ${blobs.length - NAMED_MAX} more` : ''
  return lines.join('') + more
}

/** Copies a blob, or answers why its source is no good. */
async function copyBlob(
  blob: Blob,
  { source, target }: { source: BlobStore; target: BlobStore },
): Promise<string | undefined> {
  await using writer = await target.create(blob)
  const flaw = await flawOf(blob, source, (chunk) => writer.write(chunk))
  if (flaw === undefined) await writer.commit()
  return flaw
}

/** Reads a blob to its end, and answers what is wrong with it; undefined if nothing is. What `take` throws is thrown. */
async function flawOf(
  blob: Blob,
  store: BlobStore,
  take: (chunk: Uint8Array) => Promise<void> = async () => {},
): Promise<string | undefined> {
  const hash = createHash('sha256')
  let sizeInBytes = 0
  const chunks = readingOf(blob.name, store)
  for (;;) {
    const step = await chunks.next().catch((error: unknown) => ({ failure: error }))
    if ('failure' in step)
      return `it cannot be read (${step.failure instanceof Error ? step.failure.message : step.failure})`
    if (step.done) break
    hash.update(step.value)
    sizeInBytes += step.value.byteLength
    await take(step.value)
  }
  if (sizeInBytes !== blob.sizeInBytes) return sizeFlaw(blob, sizeInBytes)
  return hash.digest('hex') === blob.name.slice(0, 64) ? undefined : 'its bytes are not those that its name stands for'
}

async function* readingOf(name: BlobName, store: BlobStore): AsyncGenerator<Uint8Array> {
  yield* await store.open(name)
}

function sizeFlaw({ sizeInBytes }: Blob, actualBytes: number): string {
  return `it has ${actualBytes} bytes in place of ${sizeInBytes}`
}
