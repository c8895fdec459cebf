import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Pipeline, startPipeline } from '../../../tests/support/start-pipeline.ts'
import { openBackupFolder } from '../../adapters/filesystem/backup-folder.ts'
import { copySqlite } from '../../adapters/sqlite/copy-sqlite.ts'
import { openSqlite } from '../../adapters/sqlite/database-sqlite.ts'
import type { UpdateId } from '../../domain/update-id.ts'
import type { BackupFolder } from '../../ports/backup-folder.ts'
import { SECRET_COLUMNS } from '../../store/backup.ts'
import { runDeletion } from '../deleting/run-deletion.ts'
import { sweep } from '../deleting/sweep.ts'
import { createStaging } from '../staging/staging.ts'
import { type BackupOptions, backUp } from './backup.ts'

interface Place extends AsyncDisposable {
  pipeline: Pipeline
  backup: BackupFolder
}

async function startPlace(): Promise<Place> {
  const pipeline = await startPipeline({ onDisk: true })
  const folder = await mkdtemp(join(tmpdir(), 'aduana-backup-'))
  const backup = await openBackupFolder({
    folder,
    data: pipeline.folder,
    withKeys: true,
    copyCatalogue: (options) => copySqlite({ ...options, emptied: SECRET_COLUMNS }),
    openCatalogue: (path) => openSqlite(path, { readOnly: true }),
  })
  return {
    pipeline,
    backup,
    async [Symbol.asyncDispose]() {
      await pipeline[Symbol.asyncDispose]()
      await rm(folder, { recursive: true })
    },
  }
}

/** As often as told an update comes before a snapshot, and is deleted and swept before its bytes are copied. */
function vanishing({ pipeline, backup }: Place, times: number): BackupOptions {
  const hasty: BackupFolder = {
    ...backup,
    async takeSnapshot(settle) {
      if (times === 0) return await backup.takeSnapshot(settle)
      times -= 1
      const { updateId } = await pipeline.import()
      const snapshot = await backup.takeSnapshot(settle)
      await deleteUpdate(pipeline, updateId)
      await sweep(pipeline, { graceMs: 0 })
      return snapshot
    },
  }
  return { source: pipeline.blobs, backup: hasty, program: '1.2.3', verify: false }
}

async function deleteUpdate(pipeline: Pipeline, updateId: UpdateId) {
  await pipeline.record({ kind: 'delete', updateId })
  await runDeletion(await pipeline.claim(), updateId, pipeline.database)
}

async function importMany(pipeline: Pipeline, count: number) {
  const updates = []
  for (let number = 0; number < count; number += 1) updates.push(await pipeline.import())
  return updates
}

test('what is staged is not part of the backup, and neither are its bytes', async () => {
  await using place = await startPlace()
  const { database, blobs } = place.pipeline
  await importMany(place.pipeline, 1)
  const audit = { async recorded() {}, async refused() {} }
  const staging = createStaging({ database, blobs, audit })
  const caller = { subject: 's', issuer: 'i', address: '::1', traceId: '0'.repeat(32) }
  const { id } = await staging.create({ instance: 'default', caller, sizeInBytes: 6, metadata: '' })
  const owner = { instance: 'default', subject: 's', issuer: 'i' }
  await staging.append(id, owner, {
    offset: 0,
    body: (async function* () {
      yield Buffer.from('staged')
    })(),
  })
  const report = await backUp(vanishing(place, 0))
  assert.deepEqual([report.updates, report.blobs], [1, 2])
  assert.equal((await staging.find(id, owner)).bytesReceived, 6)
})

test('an update that is deleted and swept while its bytes are copied is not part of the backup', async () => {
  await using place = await startPlace()
  await importMany(place.pipeline, 1)
  const report = await backUp(vanishing(place, 4))
  assert.deepEqual([report.updates, report.blobs], [1, 2])
  assert.equal((await Array.fromAsync(place.backup.blobs.list())).length, 2)
  assert.equal((await place.backup.inForce())?.snapshot, report.snapshot)
})

test('where bytes are swept faster than they can be copied, that is said in the end, and the last backup stays', async () => {
  await using place = await startPlace()
  await importMany(place.pipeline, 1)
  const first = await backUp({ source: place.pipeline.blobs, backup: place.backup, program: '1.2.3', verify: false })
  await assert.rejects(backUp(vanishing(place, 5)), /faster than they can be copied.*--sweep-after/)
  assert.equal((await place.backup.inForce())?.snapshot, first.snapshot)
})

test('whatever step fails, the last backup stays in force and complete', async () => {
  await using place = await startPlace()
  const { pipeline, backup } = place
  const options = { source: pipeline.blobs, program: '1.2.3', verify: false }
  const [first] = await importMany(pipeline, 2)
  let { snapshot } = await backUp({ ...options, backup })
  const fail = async () => {
    throw new Error('a step failed')
  }
  const failing: BackupFolder[] = [
    { ...backup, takeSnapshot: fail },
    { ...backup, blobs: { ...backup.blobs, create: fail } },
    { ...backup, putInForce: fail },
  ]
  for (const broken of failing) {
    await importMany(pipeline, 1)
    await assert.rejects(backUp({ ...options, backup: broken }), /a step failed/)
    const inForce = await backup.inForce()
    assert.equal(inForce?.snapshot, snapshot)
    assert.equal(inForce?.blobs, 4)
  }

  await deleteUpdate(pipeline, first!.updateId)
  await assert.rejects(backUp({ ...options, backup: { ...backup, blobs: { ...backup.blobs, delete: fail } } }))
  const inForce = await backup.inForce()
  assert.notEqual(inForce?.snapshot, snapshot, 'only the tidying was left')
  assert.equal(inForce?.blobs, 8)
  ;({ snapshot } = await backUp({ ...options, backup }))
  assert.equal((await Array.fromAsync(backup.blobs.list())).length, 8)
})
