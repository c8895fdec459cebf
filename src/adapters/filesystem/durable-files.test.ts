import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createFile, makeFolder, readIfThere, replaceFile } from './durable-files.ts'

async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'aduana-durable-'))
  t.after(() => rm(folder, { recursive: true }))
  return folder
}

test('a replaced file has the new content and mode, and no temporary file remains', async (t) => {
  const folder = await temporaryFolder(t)
  const path = join(folder, 'file')
  await replaceFile({ path, content: 'old', mode: 0o644 })
  await replaceFile({ path, content: 'new', mode: 0o600 })
  assert.equal(await readFile(path, 'utf8'), 'new')
  assert.equal((await stat(path)).mode & 0o777, 0o600)
  assert.deepEqual(await readdir(folder), ['file'])
})

test('of many that create the same file one succeeds, and its content stays', async (t) => {
  const folder = await temporaryFolder(t)
  const path = join(folder, 'file')
  const contents = Array.from({ length: 16 }, (_, n) => `content ${n}`)
  const made = await Promise.all(contents.map((content) => createFile({ path, content, mode: 0o600 })))
  assert.deepEqual(
    contents.filter((_, n) => made[n]),
    [await readFile(path, 'utf8')],
  )
  assert.deepEqual(await readdir(folder), ['file'])
})

test('a file that cannot be placed leaves no temporary file', async (t) => {
  const folder = await temporaryFolder(t)
  await makeFolder(join(folder, 'taken', 'inside'), 0o755)
  await assert.rejects(replaceFile({ path: join(folder, 'taken'), content: 'x', mode: 0o600 }))
  assert.deepEqual(await readdir(folder), ['taken'])
  await assert.rejects(createFile({ path: join(folder, 'absent', 'file'), content: 'x', mode: 0o600 }), {
    code: 'ENOENT',
  })
})

test('a folder is made with those above it, and making it again changes nothing', async (t) => {
  const path = join(await temporaryFolder(t), 'a', 'b', 'c')
  await makeFolder(path, 0o700)
  await makeFolder(path, 0o755)
  assert.equal((await stat(path)).mode & 0o777, 0o700)
})

test('a file that is not there reads as undefined, and other failures are errors', async (t) => {
  const folder = await temporaryFolder(t)
  assert.equal(await readIfThere(join(folder, 'absent')), undefined)
  await assert.rejects(readIfThere(folder), { code: 'EISDIR' })
})
