import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { bytesOf, changed, type Json, validManifest } from '../../../tests/support/import-manifests.ts'
import type { ManifestParts } from '../import-manifest.ts'
import { readImportManifest } from '../read-import-manifest.ts'
import { formatUpdateId } from '../update-id.ts'

function partsOf(changes: Record<string, Json | undefined>): ManifestParts {
  const { parts, manifest } = readImportManifest(bytesOf(changed(validManifest('5.0'), changes)))
  assert.ok(parts)
  assert.equal(manifest === undefined, Object.keys(changes).length > 0)
  return parts
}

describe('of a manifest with a mistake', () => {
  test('everything else is known', () => {
    const { updateId, references, files, description, isDeployable } = partsOf({ '/compatibility': [] })
    const whole = partsOf({})
    assert.equal(whole.hasEveryFileName, true)
    assert.deepEqual({ updateId, references, files, description, isDeployable, hasEveryFileName: true }, whole)
  })

  const identities: Record<string, Json | undefined> = {
    '/updateId': undefined,
    '/updateId/provider': 7,
    '/updateId/name': 'with blanks',
    '/updateId/version': '1',
  }
  for (const [pointer, value] of Object.entries(identities)) {
    test(`at ${pointer} the identity is not known`, () => {
      const { updateId, description } = partsOf({ [pointer]: value })
      assert.deepEqual([updateId, description], [undefined, undefined])
    })
  }

  test('references that are none, or lead to the update itself, are left out', () => {
    const itself = { provider: 'contoso', name: 'toaster', version: '01.00' }
    for (const updateId of [{ provider: 'Contoso' }, 'Contoso', itself] as Json[]) {
      assert.deepEqual(partsOf({ '/instructions/steps/1/updateId': updateId }).references, [])
    }
    const { references } = partsOf({ '/instructions/steps/0/handler': '' })
    assert.deepEqual(
      references.map(({ updateId }) => formatUpdateId(updateId)),
      ['Contoso/Sensor/1.0'],
    )
  })

  test('sizes and hashes that are none are not known; the rest of their files is', () => {
    const { files, hasEveryFileName } = partsOf({
      '/files/0/sizeInBytes': '7',
      '/files/0/relatedFiles/0/hashes/sha256': 'ab'.repeat(32),
    })
    const [file] = files
    assert.deepEqual(
      [file?.fileName, file?.sizeInBytes, Object.keys(file?.hashes ?? {})],
      ['toaster.swu', 0, ['sha256']],
    )
    const [related] = file?.relatedFiles ?? []
    assert.deepEqual([related?.fileName, related?.sizeInBytes, related?.hashes], ['delta.dat', 3, {}])
    assert.equal(hasEveryFileName, true)
  })

  const names: Record<string, Json | undefined> = {
    '/files': undefined,
    '/files/0': 'toaster.swu',
    '/files/0/filename': undefined,
    '/files/0/relatedFiles': { filename: 'delta.dat' },
  }
  for (const [pointer, value] of Object.entries(names)) {
    test(`at ${pointer} there may be files whose names are not known`, () => {
      assert.equal(partsOf({ [pointer]: value }).hasEveryFileName, false)
    })
  }
})

test('of what is no manifest nothing is known', () => {
  for (const text of ['', '[]', '{"manifestVersion": "9.0"}']) {
    assert.equal(readImportManifest(Buffer.from(text)).parts, undefined)
  }
})
