import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'

const ROOT = join(import.meta.dirname, '..')

/** What a row names as its proof: a file of tests, and the name of a test as it stands there. */
const PROOF = /`([^`]+\.ts)`: "([^"]+)"/g

/** Pages that promise nothing without a proof, and where their rows end. */
const PAGES = [
  { path: 'docs/threat-model.md', begin: '\n## Threats', end: '\n## What is not stopped' },
  { path: 'docs/guarantees.md', begin: '\n## ', end: '\n## Not promised' },
]

for (const { path, begin, end } of PAGES) {
  const page = readFileSync(join(ROOT, path), 'utf8')

  describe(path, () => {
    test('names tests that there are', () => {
      const proofs = [...page.matchAll(PROOF)].map(([, file = '', name = '']) => ({ file, name }))
      assert.ok(proofs.length > 0)
      const missing = proofs.filter(({ file, name }) => {
        return !existsSync(join(ROOT, file)) || !readFileSync(join(ROOT, file), 'utf8').includes(name)
      })
      assert.deepEqual(missing, [])
    })

    test('names files that there are', () => {
      const files = [...page.matchAll(/`((?:src|scripts|tests)\/[^`]+\.ts)`/g)].map(([, file = '']) => file)
      assert.deepEqual(
        files.filter((file) => !existsSync(join(ROOT, file))),
        [],
      )
    })

    test('has a proof in every row', () => {
      const tables = page.slice(page.indexOf(begin), page.indexOf(end))
      const rows = tables.split('\n').filter((line) => line.startsWith('| ') && !line.endsWith('| proven by |'))
      assert.ok(rows.length > 0)
      assert.deepEqual(
        rows.filter((row) => row.match(PROOF) === null),
        [],
      )
    })
  })
}
