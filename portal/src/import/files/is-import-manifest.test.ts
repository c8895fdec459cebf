import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { isImportManifest } from './is-import-manifest.ts'

const example = (path: string) => readFileSync(new URL(`../../../../examples/${path}`, import.meta.url))

test('manifests are known by what they have, whatever their name', () => {
  assert.ok(isImportManifest('a.json', example('script/contoso.toaster-settings.1.1.importmanifest.json')))
})

test('a manifest that is broken is known by its name', () => {
  for (const name of [
    'a.importmanifest.json',
    'importManifest.json',
    'import-manifest-1.0.json',
    'ImportManifest.JSON',
  ])
    assert.ok(isImportManifest(name, Buffer.from('{')), name)
})

test('payload in JSON is none', () => {
  assert.ok(!isImportManifest('base.json', example('apt/base-data-1.0-apt-manifest.json')))
  assert.ok(!isImportManifest('profile.json', example('bundle/heater-profile-2.0.json')))
  assert.ok(!isImportManifest('broken.json', Buffer.from('{')))
  assert.ok(!isImportManifest('importmanifest.txt', Buffer.from('{}')))
})
