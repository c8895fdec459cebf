import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { publishUpdate } from '../../../tests/support/publish-update.ts'
import { type Pipeline, startPipeline } from '../../../tests/support/start-pipeline.ts'
import { readImportManifest } from '../../domain/read-import-manifest.ts'
import type { UpdateId } from '../../domain/update-id.ts'
import { findUpdate } from '../../store/updates/updates.ts'
import { type Candidate, resolveReferences } from './resolve-references.ts'

let pipeline: Pipeline
before(async () => {
  pipeline = await startPipeline()
})
after(() => pipeline?.[Symbol.asyncDispose]())

function id(name: string, version = '1.0'): UpdateId {
  return { provider: 'Contoso', name, version }
}

function candidate(updateId: UpdateId, references: UpdateId[] = [], pointer = ''): Candidate {
  const isDeployable = references.length > 0
  const { manifestBytes } = publishUpdate(pipeline.source, { ...updateId, references, isDeployable })
  const { manifest } = readImportManifest(manifestBytes)
  assert.ok(manifest)
  return { id: `id of ${updateId.name}`, manifest, pointer }
}

async function resolve(candidates: Candidate[], instance = 'default'): Promise<Map<string, string[]>> {
  const { childIds, wrong } = await resolveReferences(candidates, { database: pipeline.database, instance })
  assert.deepEqual(wrong, [])
  return childIds
}

/** Code and target of every wrong reference, and whose it is. */
async function wrongOf(
  ...candidates: Candidate[]
): Promise<[code: string, target: string | undefined, name: string][]> {
  const { wrong } = await resolveReferences(candidates, { database: pipeline.database, instance: 'default' })
  return wrong.map(({ candidate, error }) => [error.code, error.target, candidate.manifest.updateId.name])
}

test('children are found in the same request, before and after their parent', async () => {
  const parent = candidate(id('Parent'), [id('First'), id('Second')])
  const children = await resolve([candidate(id('First')), parent, candidate(id('Second'))])
  assert.deepEqual(Object.fromEntries(children), {
    'id of First': [],
    'id of Parent': ['id of First', 'id of Second'],
    'id of Second': [],
  })
})

test('children are found among what is imported, also in other letter case and with leading zeros', async () => {
  const { updateId } = await pipeline.import({ ...id('Imported'), isDeployable: false })
  const child = await findUpdate(pipeline.database, 'default', updateId)
  const parent = candidate(id('Parent'), [{ provider: 'contoso', name: 'IMPORTED', version: '01.00' }])
  assert.deepEqual((await resolve([parent])).get(parent.id), [child?.id])
})

test('a child that two steps reference is one child', async () => {
  const parent = candidate(id('Parent'), [id('Child'), id('CHILD'), id('Child', '1.00')])
  assert.deepEqual((await resolve([parent, candidate(id('Child'))])).get(parent.id), ['id of Child'])
})

test('a child of another instance is none', async () => {
  await pipeline.import({ ...id('Elsewhere'), isDeployable: false }, 'other')
  const parent = candidate(id('Parent'), [id('Elsewhere')])
  assert.deepEqual(
    (await wrongOf(parent)).map(([code]) => code),
    ['ReferenceNotFound'],
  )
  assert.equal((await resolve([parent], 'other')).get(parent.id)?.length, 1)
})

test('every wrong reference is told, with its place in the request', async () => {
  const parents = [
    candidate(id('Parent'), [id('Nowhere'), id('Other')], '/0'),
    candidate(id('Other'), [id('Nowhere')], '/1'),
  ]
  assert.deepEqual(await wrongOf(...parents), [
    ['ReferenceNotFound', '/0/instructions/steps/1/updateId', 'Parent'],
    ['ReferenceNested', '/0/instructions/steps/2/updateId', 'Parent'],
    ['ReferenceNotFound', '/1/instructions/steps/1/updateId', 'Other'],
  ])
})
