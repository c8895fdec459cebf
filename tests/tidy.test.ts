// House rules that a machine can check, so that no reader has to remember them.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { basename, dirname, join, normalize } from 'node:path'
import { test } from 'node:test'
import { PAGES } from '../scripts/generate-docs.ts'
import { ERROR_CODES } from '../src/domain/error-codes.ts'
import { EVENT_TYPES } from '../src/domain/event.ts'

const ROOT = join(import.meta.dirname, '..')
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')
const sources = globSync('src/**/*.ts', { cwd: ROOT }).filter((path) => !path.endsWith('.test.ts'))

/** Which folders of `src/` a folder may import from, besides itself. `.` are the files directly in `src/`. */
const ALLOWED: Record<string, string[]> = {
  domain: [],
  ports: ['domain'],
  store: ['domain', 'ports'],
  services: ['domain', 'ports', 'store'],
  adapters: ['domain', 'ports'],
  http: ['domain', 'ports', 'store', 'services'],
  client: ['domain'],
  config: ['domain', 'services', 'adapters', 'http'],
  compose: ['domain', 'ports', 'store', 'services', 'adapters', 'http', 'config', '.'],
  cli: ['domain', 'store', 'client', 'adapters', 'config', 'compose', '.'],
  '.': [],
}

test('imports point inwards', () => {
  const wrong = sources.flatMap((path) => {
    const folder = folderOf(path)
    return importsOf(path)
      .map(folderOf)
      .filter((target) => target !== folder && !ALLOWED[folder]?.includes(target))
      .map((target) => `${path} imports from ${target}`)
  })
  assert.deepEqual(wrong, [])
})

function folderOf(path: string): string {
  const [, first = '', second] = path.split('/')
  return second === undefined ? '.' : first
}

/** The files that a file imports. */
function importsOf(path: string): string[] {
  const imports = read(path).matchAll(/from '(\.[^']+)'|import\('(\.[^']+)'\)/g)
  return [...imports].map((match) => normalize(join(dirname(path), match[1] ?? match[2] ?? '')))
}

test('rooms do not need each other in a circle', () => {
  // A file beside the rooms is one by itself.
  const roomOf = (path: string) => path.split('/').slice(0, 3).join('/')
  const needs = new Map<string, Set<string>>()
  for (const path of sources) {
    const room = roomOf(path)
    const others = importsOf(path)
      .map(roomOf)
      .filter((other) => other !== room)
    needs.set(room, new Set([...(needs.get(room) ?? []), ...others]))
  }
  // Who needs nobody that is left goes, and whom nobody needs, again and again. Who stays is in a circle, or between two.
  for (let size = 0; size !== needs.size; ) {
    size = needs.size
    for (const [room, others] of needs) {
      const needsSome = [...others].some((other) => needs.has(other))
      const isNeeded = [...needs.values()].some((those) => those.has(room))
      if (!needsSome || !isNeeded) needs.delete(room)
    }
  }
  assert.deepEqual([...needs.keys()], [])
})

test('every room stands in ARCHITECTURE.md', () => {
  const page = read('ARCHITECTURE.md')
  const rooms = globSync('src/{services,http,store}/*/', { cwd: ROOT }).map((path) => basename(path))
  assert.deepEqual(
    rooms.filter((room) => !page.includes(`| \`${room}\` |`)),
    [],
  )
})

test('SQL stands only in store, and in the adapters of databases', () => {
  const sql = /\b(select .+ from|insert into|update \w+ set|delete from)\b/i
  const allowed = /^src\/(store\/|adapters\/(sqlite|postgres)\/)/
  const wrong = sources.filter(
    (path) => !allowed.test(path) && sql.test(read(path).replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')),
  )
  assert.deepEqual(wrong, [])
})

test('only http/calls/problems.ts knows the statuses of errors', () => {
  const wrong = sources.filter(
    (path) => /^src\/(domain|ports|store|services)\//.test(path) && /\bstatus(Code)?: [45]\d\d\b/.test(read(path)),
  )
  assert.deepEqual(wrong, [])
})

test('generated pages are up to date (npm run docs)', async () => {
  for (const [path, page] of Object.entries(PAGES)) assert.equal(read(path), await page(), path)
})

test('every type of event is explained', () => {
  const page = read('docs/events.md')
  assert.deepEqual(
    EVENT_TYPES.filter((type) => !page.includes(`\`${type}\``)),
    [],
  )
})

test('every error code is used', () => {
  const code = sources
    .filter((path) => !path.endsWith('error-codes.ts'))
    .map(read)
    .join('\n')
  const unused = Object.keys(ERROR_CODES).filter((name) => !code.includes(`'${name}'`))
  assert.deepEqual(unused, [])
})

test('nothing is left half done', () => {
  const marks = new RegExp(['TO', 'DO|FIX', 'ME|XX', 'X'].join(''))
  const wrong = [...sources, ...globSync('{tests,scripts}/**/*.ts', { cwd: ROOT })].filter((path) =>
    marks.test(read(path)),
  )
  assert.deepEqual(wrong, [])
})

test('links between pages lead somewhere', () => {
  const pages = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], {
    cwd: ROOT,
    encoding: 'utf8',
  })
  const wrong = pages
    .split('\n')
    .filter((path) => path !== '' && existsSync(join(ROOT, path)))
    .flatMap((path) =>
      [...read(path).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)(?:#[^)]*)?\)/g)]
        .map((match) => match[1] ?? '')
        .filter((target) => !existsSync(join(ROOT, dirname(path), target)))
        .map((target) => `${path}: ${target}`),
    )
  assert.deepEqual(wrong, [])
})

test('every dependency is used', () => {
  const { dependencies, devDependencies } = JSON.parse(read('package.json'))
  const files = globSync('{src,portal,tests,scripts,bench}/**/*.{ts,tsx}', { cwd: ROOT })
  const code = files.map(read).join('\n')
  // Those that are commands, or types of others.
  const isCommand = (name: string) => /^(@aduana\/node|@biomejs\/biome|typescript|@types\/.+)$/.test(name)
  const unused = Object.keys({ ...dependencies, ...devDependencies }).filter(
    (name) => !isCommand(name) && !code.includes(`'${name}`),
  )
  assert.deepEqual(unused, [])
})
