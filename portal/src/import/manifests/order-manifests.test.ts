import assert from 'node:assert/strict'
import { test } from 'node:test'
import { orderManifests, referencesElsewhere } from './order-manifests.ts'

const id = (name: string) => ({ provider: 'Contoso', name, version: '1.0' })
const entry = (name: string, ...references: string[]) => ({
  manifest: { updateId: id(name), references: references.map((one) => ({ updateId: id(one), pointer: '' })) },
})

test('children come before their parent, otherwise everything stays where it was', () => {
  const ordered = orderManifests([entry('Parent', 'B', 'A'), entry('B'), entry('A')])
  assert.deepEqual(
    ordered.map(({ manifest }) => manifest.updateId.name),
    ['B', 'A', 'Parent'],
  )
})

test('references to what is not here are found once, whatever their letter case', () => {
  const found = referencesElsewhere([entry('Parent', 'child', 'There', 'THERE'), entry('Child')])
  assert.deepEqual(found, [id('There')])
})
