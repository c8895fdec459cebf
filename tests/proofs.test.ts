import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'

const ROOT = join(import.meta.dirname, '..')
const page = readFileSync(join(ROOT, 'docs/threat-model.md'), 'utf8')

/** What a row names as its proof: a test file, and the name of a test as it stands there. */
const PROOF = /`([^`]+\.test\.ts)`: "([^"]+)"/g

describe('the threat model', () => {
  test('names tests that there are', () => {
    const proofs = [...page.matchAll(PROOF)].map(([, path = '', name = '']) => ({ path, name }))
    assert.ok(proofs.length > 0)
    const missing = proofs.filter(({ path, name }) => {
      return !existsSync(join(ROOT, path)) || !readFileSync(join(ROOT, path), 'utf8').includes(name)
    })
    assert.deepEqual(missing, [])
  })

  test('names source files that there are', () => {
    const paths = [...page.matchAll(/`((?:src|scripts|tests)\/[^`]+\.ts)`/g)].map(([, path = '']) => path)
    assert.deepEqual(
      paths.filter((path) => !existsSync(join(ROOT, path))),
      [],
    )
  })

  test('has a proof for every threat', () => {
    const threats = page.slice(page.indexOf('\n## Threats'), page.indexOf('\n## What is not stopped'))
    const rows = threats.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| threat |'))
    assert.ok(rows.length > 0)
    assert.deepEqual(
      rows.filter((row) => row.match(PROOF) === null),
      [],
    )
  })
})
