import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { type AptManifest, readAptManifest, writeAptManifest } from './apt-manifest.ts'

const read = (value: unknown) => readAptManifest(Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)))
const places = (value: unknown) => {
  const { errors, warnings } = read(value)
  return [...errors, ...warnings].map(({ code, target }) => `${code} ${target ?? ''}`)
}

test('the examples are APT manifests, also with the byte order mark that Windows tools write', async () => {
  for (const version of ['1.0', '1.1']) {
    const path = new URL(`../../../examples/apt/base-data-${version}-apt-manifest.json`, import.meta.url)
    const { aptManifest, errors, warnings } = read(`\ufeff${await readFile(path, 'utf8')}`)
    assert.deepEqual([...errors, ...warnings], [])
    assert.equal(aptManifest?.version, version)
  }
})

test('what is written is read as it was meant', () => {
  const apt: AptManifest = {
    name: 'base',
    version: '1.0',
    packages: [{ name: 'libcurl4-doc' }, { name: 'g++', version: '1:2.3~rc1-4+b1' }, { name: 'old-' }],
    agentRestartRequired: true,
  }
  assert.deepEqual(readAptManifest(Buffer.from(writeAptManifest(apt))), { aptManifest: apt, errors: [], warnings: [] })
})

test('what the agent would fail at is an error, all at once; what apt-get will not know is advice', () => {
  const valid = { name: 'a', version: '1', packages: [{ name: 'tzdata' }] }
  assert.deepEqual(places(valid), [])
  assert.deepEqual(places({ ...valid, packages: [] }), ['CountWrong /packages'])
  assert.deepEqual(places({ Name: 'a', version: 1, packages: [{}, { name: '' }, { name: '-o', version: 'a b' }] }), [
    'MemberUnknown /Name',
    'TypeWrong /version',
    'MemberMissing /packages/0',
    'LengthWrong /packages/1/name',
    'FormatWrong /packages/2/name',
    'FormatWrong /packages/2/version',
    'Advice /packages/2/name',
    'Advice /packages/2/version',
  ])
  assert.deepEqual(places({ name: 'a', version: '1' }), ['Advice '])
  assert.deepEqual(places({ ...valid, packages: [{ name: 'TZdata', version: '>=2' }] }), [
    'Advice /packages/0/name',
    'Advice /packages/0/version',
  ])
  assert.deepEqual(places({ ...valid, package: [], agentRestartRequired: 'yes' }), [
    'TypeWrong /agentRestartRequired',
    'Advice /package',
  ])
  assert.deepEqual(places('<html>'), ['DocumentNotJson '])
  assert.deepEqual(places([]), ['TypeWrong '])
})
