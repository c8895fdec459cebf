// The form of the portal judges manifests with the very code of the import, so that code must run in a browser.
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { test } from 'node:test'

const ROOT = join(import.meta.dirname, '..')
const ENTRIES = globSync('src/domain/authoring/*.ts', { cwd: ROOT })
  .filter((path) => !path.endsWith('.test.ts'))
  .map((path) => join(ROOT, path))

/** Every file that the entries need at run time. */
function reached(entries: readonly string[]): Map<string, string> {
  const sources = new Map<string, string>()
  const open = [...entries]
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (sources.has(path)) continue
    const source = readFileSync(path, 'utf8')
    sources.set(path, source)
    const imports = source.matchAll(/^(?:import|export) (?!type\b)[^'\n]*(?:\n[^'\n]*)*?from '([^']+)'/gm)
    for (const [, target = ''] of imports) {
      if (target.startsWith('.')) open.push(join(dirname(path), target))
      else assert.equal(target, 'jsonc-parser', `${relative(ROOT, path)} imports ${target}`)
    }
  }
  return sources
}

test('authoring and judging manifests needs nothing that only Node has', () => {
  const sources = reached(ENTRIES)
  assert.ok(sources.has(join(ROOT, 'src/domain/manifest/read-hashes.ts')))
  for (const [path, source] of sources) {
    const code = source.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')
    assert.doesNotMatch(code, /\b(Buffer|process|require|__dirname|setImmediate)\b[.(]/, relative(ROOT, path))
  }
})
