import assert from 'node:assert/strict'
import { test } from 'node:test'
import { interrupted, type Pipeline, startPipeline } from '../../../tests/support/start-pipeline.ts'
import type { UpdateId } from '../../domain/update-id.ts'
import { releaseLease } from '../../store/operations/attempts.ts'
import { findUpdate } from '../../store/updates/updates.ts'
import { LostAttempt } from '../operations/attempt-end.ts'
import { runDeletion } from './run-deletion.ts'

const CHILD = { provider: 'Contoso', name: 'Child', version: '1.0' }
const PARENT = { provider: 'Contoso', name: 'Parent', version: '1.0' }

async function begin(pipeline: Pipeline, updateId: UpdateId) {
  await pipeline.record({ kind: 'delete', updateId })
  return pipeline.claim()
}

test('a parent that comes between the look and the deletion keeps its child', async () => {
  await using pipeline = await startPipeline()
  await pipeline.import({ ...CHILD, isDeployable: false })
  const operation = await begin(pipeline, CHILD)
  const database = interrupted(pipeline.database, /child_id from update_references/, () => {
    return pipeline.import({ ...PARENT, references: [CHILD] })
  })
  await assert.rejects(runDeletion(operation, CHILD, database), {
    code: 'UpdateInUse',
    message: /Contoso\/Parent\/1\.0/,
  })
  assert.deepEqual((await findUpdate(pipeline.database, 'default', CHILD))?.referencedBy, [PARENT])
})

test('a second parent that comes between the look and the deletion of the first keeps the child', async () => {
  await using pipeline = await startPipeline()
  const second = { ...PARENT, name: 'Second' }
  await pipeline.import({ ...CHILD, isDeployable: false })
  await pipeline.import({ ...PARENT, references: [CHILD] })
  const operation = await begin(pipeline, PARENT)
  const database = interrupted(pipeline.database, /child_id from update_references/, () => {
    return pipeline.import({ ...second, references: [CHILD] })
  })
  await runDeletion(operation, PARENT, database)
  assert.equal(await findUpdate(pipeline.database, 'default', PARENT), undefined)
  assert.deepEqual((await findUpdate(pipeline.database, 'default', CHILD))?.referencedBy, [second])
})

test('an update that is gone by now, and an attempt that was lost by now, delete nothing', async () => {
  await using pipeline = await startPipeline()
  const operation = await begin(pipeline, CHILD)
  await assert.rejects(runDeletion(operation, CHILD, pipeline.database), { code: 'UpdateNotFound' })

  await pipeline.import({ ...CHILD, isDeployable: false })
  const lost = await begin(pipeline, CHILD)
  await releaseLease(pipeline.database, lost)
  await pipeline.claim()
  await assert.rejects(runDeletion(lost, CHILD, pipeline.database), LostAttempt)
  assert.ok(await findUpdate(pipeline.database, 'default', CHILD))
})

test('an update of the same name in another instance is left alone', async () => {
  await using pipeline = await startPipeline()
  await pipeline.import(CHILD)
  await pipeline.import(CHILD, 'other')
  await runDeletion(await begin(pipeline, CHILD), CHILD, pipeline.database)
  assert.equal(await findUpdate(pipeline.database, 'default', CHILD), undefined)
  assert.ok(await findUpdate(pipeline.database, 'other', CHILD))
})
