import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, stat, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { openAuditJsonLines } from './audit-json-lines.ts'

const ENTRY = {
  at: '2026-01-02T03:04:05.678Z',
  action: 'import',
  instance: 'blue',
  address: '192.0.2.7',
  traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
} as const

describe('the file of the audit log', () => {
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'aduana-audit-'))
  })
  after(() => rm(folder, { recursive: true }))

  const linesOf = async (path: string) => {
    const text = await readFile(path, 'utf8')
    assert.ok(text === '' || text.endsWith('\n'))
    return text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as typeof ENTRY)
  }

  test('is made where it is missing, for the owner and the group only', async () => {
    const path = join(folder, 'made.jsonl')
    await (await openAuditJsonLines(path)).close()
    assert.deepEqual(await linesOf(path), [])
    assert.equal((await stat(path)).mode & 0o027, 0)
  })

  test('keeps what is in it', async () => {
    const path = join(folder, 'kept.jsonl')
    for (const instance of ['blue', 'green']) {
      const file = await openAuditJsonLines(path)
      await file.append({ ...ENTRY, instance })
      await file.close()
    }
    assert.deepEqual(await linesOf(path), [ENTRY, { ...ENTRY, instance: 'green' }])
  })

  test('has one line for an entry, whatever stands in it', async () => {
    const path = join(folder, 'lines.jsonl')
    const file = await openAuditJsonLines(path)
    const entry = { ...ENTRY, subject: 'ana\n{"action":"delete"}\r\u2028' }
    await file.append(entry)
    await file.close()
    assert.deepEqual(await linesOf(path), [entry])
  })

  test('lines of several writers at the same time do not mix', async () => {
    const path = join(folder, 'together.jsonl')
    const files = await Promise.all([openAuditJsonLines(path), openAuditJsonLines(path)])
    const subjects = Array.from({ length: 200 }, (_, i) => `${i} ${'x'.repeat(i * 20)}`)
    await Promise.all(subjects.map((subject, i) => files[i % 2]?.append({ ...ENTRY, subject })))
    for (const file of files) await file.close()
    const found = (await linesOf(path)).map((line) => (line as { subject?: string }).subject)
    assert.deepEqual(found.sort(), subjects.sort())
  })

  test('goes on at the beginning after a tool has copied and truncated it', async () => {
    const path = join(folder, 'rotated.jsonl')
    const file = await openAuditJsonLines(path)
    await file.append(ENTRY)
    await truncate(path, 0)
    await file.append({ ...ENTRY, instance: 'green' })
    await file.close()
    assert.deepEqual(await linesOf(path), [{ ...ENTRY, instance: 'green' }])
  })
})
