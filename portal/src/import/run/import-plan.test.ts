import assert from 'node:assert/strict'
import { test } from 'node:test'
import { importBody, type OwnBytes, ownBytesOf, type PlannedInput } from './import-plan.ts'

const own = (name: string, sha256: string): OwnBytes => ({ kind: 'own', name, sha256, blob: new Blob([name]) })

const PLAN: PlannedInput[] = [
  {
    manifest: { origin: own('child.json', 'm1'), sizeInBytes: 10, sha256: 'm1' },
    files: [{ fileName: 'install.sh', origin: own('install.sh', 'f1') }],
  },
  {
    manifest: { origin: { kind: 'url', url: 'https://a/m2' }, sizeInBytes: 20, sha256: 'm2' },
    files: [
      { fileName: 'install.sh', origin: own('install.sh', 'f1') },
      { fileName: 'b', origin: { kind: 'url', url: 'https://a/b' } },
    ],
  },
]

test('the same content is uploaded once, and what has a URL is not', () => {
  assert.deepEqual(
    ownBytesOf(PLAN).map(({ sha256 }) => sha256),
    ['m1', 'f1'],
  )
})

test('the request names uploads and URLs side by side', () => {
  const staged = new Map([
    ['m1', 'staging:1'],
    ['f1', 'staging:2'],
  ])
  assert.deepEqual(importBody(PLAN, staged), [
    {
      importManifest: { url: 'staging:1', sizeInBytes: 10, hashes: { sha256: 'm1' } },
      files: [{ filename: 'install.sh', url: 'staging:2' }],
    },
    {
      importManifest: { url: 'https://a/m2', sizeInBytes: 20, hashes: { sha256: 'm2' } },
      files: [
        { filename: 'install.sh', url: 'staging:2' },
        { filename: 'b', url: 'https://a/b' },
      ],
    },
  ])
})
