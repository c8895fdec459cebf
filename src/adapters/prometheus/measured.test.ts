import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { newBlobName } from '../../domain/blob.ts'
import type { Verdict } from '../../domain/verdict.ts'
import type { Metrics } from '../../ports/metrics.ts'
import type { Scanner } from '../../ports/scanner.ts'
import { openFilesystemBlobs } from '../filesystem/blobs-filesystem.ts'
import { measuredBlobs, measuredScanner } from './measured.ts'

test('what is written is counted as it is written, and a blob only once it is committed', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'aduana-measured-'))
  try {
    const written: number[] = []
    const stored: number[] = []
    const metrics = {
      storeWritten: ({ bytes, seconds }: { bytes: number; seconds: number }) => {
        assert.ok(seconds >= 0)
        written.push(bytes)
      },
      blobStored: (sizeInBytes: number) => stored.push(sizeInBytes),
    } as unknown as Metrics
    const blobs = measuredBlobs(await openFilesystemBlobs({ folder }), metrics)
    const name = newBlobName('a'.repeat(64))
    {
      await using writer = await blobs.create({ name, sizeInBytes: 7 })
      await writer.write(Buffer.from('1234'))
      await writer.write(Buffer.from('567'))
      assert.deepEqual(stored, [])
      await writer.commit()
    }
    assert.deepEqual(written, [4, 3, 0])
    assert.deepEqual(stored, [7])
    assert.equal(await blobs.size(name), 7)
    {
      await using writer = await blobs.create({ name: newBlobName('b'.repeat(64)), sizeInBytes: 7 })
      await writer.write(Buffer.from('1234'))
    }
    assert.deepEqual(stored, [7])
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('verdicts are counted, and what a scan says of itself meanwhile still comes from it', async () => {
  const ends: { verdict: Verdict['kind']; seconds: number }[] = []
  const metrics = { scanEnded: (end: (typeof ends)[number]) => ends.push(end) } as unknown as Metrics
  const NOT_SCANNED = { kind: 'NotScanned', reason: 'It is away.', mayRecover: true } as const
  let isAway = false
  const scanner = {
    begin: async () => ({
      get notScanned() {
        return isAway ? NOT_SCANNED : undefined
      },
      verdict: async () => NOT_SCANNED,
    }),
  } as unknown as Scanner
  const scan = await measuredScanner(scanner, metrics).begin({ sizeInBytes: 1, signal: new AbortController().signal })
  assert.equal(scan.notScanned, undefined)
  isAway = true
  assert.equal(scan.notScanned, NOT_SCANNED)
  assert.equal(await scan.verdict(), NOT_SCANNED)
  assert.deepEqual(
    ends.map(({ verdict }) => verdict),
    ['NotScanned'],
  )
  assert.ok((ends[0]?.seconds ?? -1) >= 0)
})
