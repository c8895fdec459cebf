import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { openDatabase } from '../../tests/support/open-database.ts'
import type { AuditEntry } from '../domain/audit-entry.ts'
import type { AuditFile } from '../ports/audit-file.ts'
import type { Database } from '../ports/database.ts'
import { forgetAudit, listAudit } from '../store/audit.ts'
import { createAudit } from './audit.ts'

const NOON = Date.UTC(2026, 0, 2, 12)

const REFUSED: AuditEntry = {
  action: 'refused',
  instance: 'blue',
  address: '192.0.2.7',
  traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
  code: 'Unauthenticated',
  target: 'GET updates/read',
}

describe('the audit log', () => {
  let database: Database
  let lines: (AuditEntry & { at: string })[]
  let warnings: [facts: object, message: string][]
  let now: number
  before(async () => {
    database = await openDatabase()
  })
  after(() => database.close())
  beforeEach(async () => {
    lines = []
    warnings = []
    now = NOON
    await forgetAudit(database, 0, 1000)
  })

  const file: AuditFile = {
    async append(entry) {
      lines.push(entry)
    },
    async close() {},
  }
  const open = (parts: { database?: Database; file?: AuditFile } = {}) =>
    createAudit({
      database,
      file,
      log: { warn: (facts, message) => warnings.push([facts, message]) },
      now: () => now,
      ...parts,
    })

  test('a refusal is kept in the table and as a line with its time', async () => {
    await open().refused(REFUSED)
    assert.deepEqual(lines, [{ at: '2026-01-02T12:00:00.0000000Z', ...REFUSED }])
    const [kept, ...others] = await listAudit(database, { instance: 'blue', limit: 10 })
    const { id, at, ...entry } = kept ?? assert.fail('nothing is kept')
    assert.deepEqual(entry, REFUSED)
    assert.ok(Math.abs(at - Date.now()) < 60_000)
    assert.deepEqual(others, [])
  })

  test('what is in the table already becomes a line only', async () => {
    await open().recorded({ ...REFUSED, action: 'import' })
    assert.equal(lines.length, 1)
    assert.deepEqual(await listAudit(database, { instance: 'blue', limit: 10 }), [])
  })

  test('a flood of refusals is kept up to a bound, and then counted until the minute is over', async () => {
    const audit = open()
    for (let i = 0; i < 250; i += 1) await audit.refused(REFUSED)
    assert.equal(lines.length, 100)
    assert.equal((await listAudit(database, { instance: 'blue', limit: 1000 })).length, 100)
    assert.deepEqual(warnings, [])

    now += 60_000
    await audit.refused(REFUSED)
    assert.equal(lines.length, 101)
    assert.deepEqual(warnings, [[{ notKept: 150 }, 'refusals were too many to keep']])
  })

  test('a flood of refusals hides nothing of what was done', async () => {
    const audit = open()
    for (let i = 0; i < 101; i += 1) await audit.refused(REFUSED)
    await audit.recorded({ ...REFUSED, action: 'delete' })
    assert.equal(lines.at(-1)?.action, 'delete')
  })

  test('a disk that is full and a database that is gone stop nobody, and each leaves the other its entry', async () => {
    const gone = () => Promise.reject(new Error('gone'))
    await open({ file: { ...file, append: gone } }).refused(REFUSED)
    assert.equal((await listAudit(database, { instance: 'blue', limit: 10 })).length, 1)
    await open({ database: { ...database, batch: gone } }).refused(REFUSED)
    assert.equal(lines.length, 1)
    assert.deepEqual(
      warnings.map(([, message]) => message),
      ['cannot write the audit log', 'cannot keep an audit entry'],
    )
    for (const [facts] of warnings) assert.ok('trace_id' in facts)
  })
})
