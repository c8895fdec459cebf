// Breaks a real data folder in every way that the doctor knows, and expects that very step to complain and no other.
import assert from 'node:assert/strict'
import { chmod, open, readdir, readFile, rm, stat, truncate, unlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { type DataFolder, makeDataFolder } from '../../tests/support/data-folder.ts'
import { examineFlags } from '../../tests/support/examine-flags.ts'
import { lockData } from '../adapters/sqlite/data-lock.ts'
import { loadTls } from '../adapters/tls/tls-files.ts'
import { newBlobName } from '../domain/blob.ts'
import type { OperationRequest } from '../domain/operation.ts'
import type { Database } from '../ports/database.ts'
import { findBlob } from '../store/blobs/blobs.ts'
import { noteCopyFailure } from '../store/distribution/distribution.ts'
import { noteCheck, noteCheckFailure, wantPart } from '../store/distribution/distribution-checks.ts'
import { type NewOperation, recordOperation } from '../store/operations/record-operation.ts'

const DAY_MS = 24 * 3600 * 1000
const LONG_AGO = new Date(Date.now() - 3 * DAY_MS)

function examined(
  folder: DataFolder,
  { store, ...options }: { isDeep?: boolean; isRepair?: boolean; store?: string } = {},
) {
  return examineFlags({ data: folder.path, store }, options)
}

async function flipByte(path: string, position: number): Promise<void> {
  const file = await open(path, 'r+')
  const byte = Buffer.alloc(1)
  await file.read(byte, 0, 1, position)
  byte[0] = ~(byte[0] ?? 0) & 0xff
  await file.write(byte, 0, 1, position)
  await file.close()
}

test('a data folder with nothing wrong in it is well, shallow and deep, and nothing in it changes', async () => {
  await using folder = await makeDataFolder()
  const before = await contentsOf(folder.path)
  for (const isDeep of [false, true]) {
    const { isWell, complaints, steps } = await examined(folder, { isDeep })
    assert.deepEqual(complaints, [])
    assert.ok(isWell)
    assert.ok(steps.every(({ status, findings }) => status === 'ok' && findings.length === 0))
  }
  assert.deepEqual(await contentsOf(folder.path), before)
  assert.deepEqual((await examined(folder, { isDeep: true, isRepair: true })).mended, [])
})

test('copies that a distribution store does not take are told with their reasons, and so is a store that cannot be checked', async () => {
  await using folder = await makeDataFolder()
  const store = 'cdn'
  const failing = async (database: Database, tries: number) => {
    for (let number = 1; number <= tries; number += 1) {
      const [copy] = await database.query('select content_id from distribution')
      const contentId = String(copy?.content_id)
      await noteCopyFailure(database, { store, contentId, reason: 'It cannot be written: no room.', pauseMs: 1 })
    }
  }
  await folder.withDatabase(async (database) => {
    await wantPart(database, store, { after: '', limit: 10 })
    await noteCheck(database, store, { listed: 0, missing: 0, deleted: 0 })
    await failing(database, 2)
  })
  const { isWell, steps } = await examined(folder)
  assert.ok(isWell)
  assert.equal(
    steps.find(({ step }) => step === 'distribution')?.summary,
    'cdn has 0 files, 1 wait to be copied, 0 to be deleted.',
  )

  await folder.withDatabase(async (database) => {
    await failing(database, 1)
    await noteCheckFailure(database, store, 'EIO: i/o error')
  })
  const { complaints, text } = await examined(folder)
  assert.deepEqual(complaints, ['distribution: warning'])
  assert.match(text, /^The distribution store cdn could not be checked \(EIO: i\/o error\)/m)
  assert.match(
    text,
    /^install\.sh of Contoso\/Toaster\/1\.0 in instance default is missing at the distribution store cdn since \S+Z, after 3 tries: It cannot be written: no room\.$/m,
  )

  await folder.withDatabase((database) =>
    database.query('update distribution_checks set checked_at = $1, failed_at = $1', [LONG_AGO.getTime()]),
  )
  const forgotten = await examined(folder)
  assert.ok(forgotten.isWell)
  assert.match(forgotten.notes.join('\n'), /^note: Nobody has looked after the distribution store cdn for 3 days/)
})

test('a blob that is gone is missing, with what needs it and what to do', async () => {
  await using folder = await makeDataFolder()
  await unlink(folder.payload.path)
  const { complaints, text } = await examined(folder)
  assert.deepEqual(complaints, ['blobs: problem'])
  assert.match(text, new RegExp(`${folder.payload.name} \\(100000 bytes\\) is not in the store`))
  assert.match(
    text,
    /needed for install\.sh of Contoso\/Toaster\/1\.0 in instance default\. Import the very same update again/,
  )
})

test('a blob that is gone and that no update needs is a note', async () => {
  await using folder = await makeDataFolder()
  await unlink(folder.payload.path)
  await folder.withDatabase((database) => database.query('delete from updates'))
  const { isWell, notes } = await examined(folder)
  assert.ok(isWell)
  assert.match(
    notes.join('\n'),
    /^note: Blob .* is not in the store\. No update needs it; a server forgets it in time\.$/,
  )
})

test('a store that --store names, but no server has used with this database, is not looked into', async () => {
  await using folder = await makeDataFolder()
  await using other = await makeDataFolder()
  const store = join(other.path, 'blobs')
  const { complaints, skipped, text } = await examined(folder, { isRepair: true, store })
  assert.deepEqual([complaints, skipped], [['store-mark: problem'], ['leftovers', 'blobs']])
  assert.match(text, /Leave --store away/)
  await stat(other.payload.path)
})

test('a blob that was cut short is found without --deep', async () => {
  await using folder = await makeDataFolder()
  await truncate(folder.payload.path, 99_999)
  const { complaints, text } = await examined(folder)
  assert.deepEqual(complaints, ['blobs: problem'])
  assert.match(text, /has 99999 bytes instead of 100000.*--repair/)
})

test('one wrong byte is found by --deep, and by nothing less', async () => {
  await using folder = await makeDataFolder()
  await flipByte(folder.payload.path, 77_777)
  assert.deepEqual((await examined(folder)).complaints, [])
  const { complaints, text } = await examined(folder, { isDeep: true })
  assert.deepEqual(complaints, ['blobs: problem'])
  assert.match(text, /has other bytes than it should/)
})

test('a repair takes damaged bytes out of service, keeps them, and still tells that they are missing', async () => {
  await using folder = await makeDataFolder()
  await flipByte(folder.payload.path, 3)
  const damaged = await readFile(folder.payload.path)
  const { complaints, text, mended } = await examined(folder, { isDeep: true, isRepair: true })
  assert.deepEqual(complaints, ['blobs: problem'])
  assert.match(text, /is not in the store any more.*Import the very same update again/)
  assert.match(mended.join(), /out of service, and its bytes are kept as .*damaged/)
  await assert.rejects(stat(folder.payload.path), { code: 'ENOENT' })
  assert.deepEqual(await readFile(join(folder.path, 'blobs/damaged', folder.payload.name)), damaged)
  const again = await examined(folder)
  assert.deepEqual(again.complaints, ['blobs: problem'])
  assert.match(again.notes.join('\n'), /note: 1 damaged copies with 100000 bytes are kept/)
})

test('a copy that nothing names is a leftover once it is old, and a repair deletes it at any age', async () => {
  await using folder = await makeDataFolder()
  const name = await folder.store(Buffer.from('nobody names this'))
  assert.deepEqual((await examined(folder)).complaints, [])
  for (const date of [LONG_AGO, new Date(Date.now() + 3 * DAY_MS)]) {
    await utimes(folder.pathOf(name), date, date)
    const { complaints, text } = await examined(folder)
    assert.deepEqual(complaints, ['leftovers: warning'])
    assert.match(text, new RegExp(`Copy ${name}`))
  }
  const { isWell, mended } = await examined(folder, { isRepair: true })
  assert.ok(isWell)
  assert.match(mended.join(), new RegExp(`Deleted copy ${name}`))
  await assert.rejects(stat(folder.pathOf(name)), { code: 'ENOENT' })
  await stat(folder.payload.path)
})

test('a repair never deletes the only good copy: a spare one goes in force where that in force is not good', async () => {
  for (const harm of [unlink, (path: string) => flipByte(path, 9), (path: string) => truncate(path, 4)]) {
    await using folder = await makeDataFolder()
    const { payload } = folder
    const spare = await folder.store(payload.bytes)
    await harm(payload.path)
    const { isWell, mended } = await examined(folder, { isRepair: true })
    assert.ok(isWell)
    assert.match(mended.join(), new RegExp(`Copy ${spare} is in force now`))
    assert.equal((await folder.withDatabase((database) => findBlob(database, payload.sha256)))?.name, spare)
    assert.deepEqual((await examined(folder, { isDeep: true })).complaints, [])
  }
})

test('a repair deletes a spare copy where that in force is good, and puts a bad one of a bad one aside', async () => {
  await using folder = await makeDataFolder()
  const { payload } = folder
  const spare = await folder.store(payload.bytes)
  assert.ok((await examined(folder, { isRepair: true })).isWell)
  await assert.rejects(stat(folder.pathOf(spare)), { code: 'ENOENT' })

  const bad = await folder.store(Buffer.alloc(100_000, 'other'), payload.sha256)
  await unlink(payload.path)
  assert.deepEqual((await examined(folder, { isRepair: true })).complaints, ['blobs: problem'])
  assert.deepEqual(await readdir(join(folder.path, 'blobs/damaged')), [bad])
})

test('an old partial file that no operation goes on with is a leftover; one that is wanted is not', async () => {
  await using folder = await makeDataFolder()
  const [lost, wanted] = [newBlobName('ab'.repeat(32)), newBlobName('cd'.repeat(32))]
  for (const name of [lost, wanted]) {
    const path = join(folder.path, 'blobs/partial', name)
    await writeFile(path, 'half')
    await utimes(path, LONG_AGO, LONG_AGO)
  }
  await folder.withDatabase(async (database) => {
    await recordOperation(database, newOperation('waiting'))
    await database.query(
      `insert into operation_files (operation_id, item, ordinal, file_name, size_in_bytes, bytes_done, phase, content_id, partial)
       values ('waiting', 0, 0, 'a.bin', 8, 4, 'Downloading', 'c', $1)`,
      [wanted],
    )
  })
  const { complaints, text } = await examined(folder)
  assert.deepEqual(complaints, ['leftovers: warning'])
  assert.match(text, new RegExp(lost))
  assert.doesNotMatch(text, new RegExp(wanted))
  assert.ok((await examined(folder, { isRepair: true })).isWell)
  assert.deepEqual(await folder.partials(), [wanted])
})

test('operations that wait while no server runs are a note; those that nobody would ever take up are a problem', async () => {
  for (const dueAt of ['null', '(select now_ms from clock) + 7200000']) {
    await using folder = await makeDataFolder()
    await folder.withDatabase((database) => recordOperation(database, newOperation('op-1')))
    const waiting = await examined(folder)
    assert.deepEqual(waiting.complaints, [])
    assert.deepEqual(waiting.notes, ['note: 1 operations go on with the next start of the server.'])

    await folder.withDatabase((database) => database.query(`update operations set due_at = ${dueAt} where id = 'op-1'`))
    const stuck = await examined(folder)
    assert.deepEqual(stuck.complaints, ['operations: problem'])
    assert.match(stuck.text, /Operation op-1 \(import, NotStarted, instance default\) is stuck/)
    assert.ok((await examined(folder, { isRepair: true })).isWell)
    assert.deepEqual((await examined(folder)).complaints, [])
  }
})

test('with a server at work, an operation that it does not take up is a problem', async () => {
  await using folder = await makeDataFolder()
  await folder.withDatabase(async (database) => {
    await recordOperation(database, newOperation('op-1'))
    await database.query("update operations set due_at = due_at - 120000 where id = 'op-1'")
  })
  const lock = await lockData(join(folder.path, 'lock.db'))
  try {
    const waiting = await examined(folder)
    assert.ok(waiting.isServerRunning)
    assert.deepEqual(waiting.complaints, ['operations: problem'])
    assert.match(waiting.text, /none is at work/)
    await assert.rejects(examined(folder, { isRepair: true }), /stop it first/)
  } finally {
    lock.release()
  }
})

test('a damaged page of the database is found; what rests on the database is left out, and nothing is repaired', async () => {
  await using folder = await makeDataFolder()
  const spare = await folder.store(Buffer.from('to be kept'))
  // The wide middle of the file: pages of tables and indexes, whatever their order.
  const path = join(folder.path, 'aduana.db')
  const { size } = await stat(path)
  const file = await open(path, 'r+')
  await file.write(Buffer.alloc(size - 3 * 4096, 0xa5), 0, size - 3 * 4096, 2 * 4096)
  await file.close()
  for (const isRepair of [false, true]) {
    const { complaints, skipped, text } = await examined(folder, { isDeep: true, isRepair })
    assert.deepEqual(complaints, ['database: problem'])
    assert.deepEqual(skipped, [
      'schema',
      'rows',
      'clock',
      'operations',
      'store-mark',
      'leftovers',
      'blobs',
      'idle-blobs',
      'distribution',
    ])
    assert.match(text, /cannot be repaired: stop the server and restore/)
    await stat(folder.pathOf(spare))
  }
})

test('a database that is missing or none at all is a problem, and no empty one is made in its place', async () => {
  await using folder = await makeDataFolder()
  const path = join(folder.path, 'aduana.db')
  await writeFile(path, 'This is no database. '.repeat(500))
  assert.deepEqual((await examined(folder)).complaints, ['database: problem'])
  for (const name of ['aduana.db', 'aduana.db-wal', 'aduana.db-shm']) await rm(join(folder.path, name), { force: true })
  for (const isRepair of [false, true]) {
    assert.deepEqual((await examined(folder, { isRepair })).complaints, ['database: problem'])
    await assert.rejects(stat(path), { code: 'ENOENT' })
  }
})

test('rows that name rows which are not there are a problem, and then no copy is deleted', async () => {
  await using folder = await makeDataFolder()
  await folder.withDatabase(async (database) => {
    await database.query('pragma foreign_keys = off')
    await database.query('delete from blobs where sha256 = $1', [folder.payload.sha256])
  })
  const { complaints, skipped, text } = await examined(folder, { isRepair: true })
  assert.deepEqual(complaints, ['rows: problem'])
  assert.deepEqual(skipped, ['leftovers'])
  assert.match(text, /of files names no row of blobs/)
  assert.match(text, /install\.sh of Contoso\/Toaster\/1\.0 in instance default has no row in blobs/)
  await stat(folder.payload.path)
})

test('an upload that has lost a part is a problem, and the parts of one that has not are nobody else’s', async () => {
  await using folder = await makeDataFolder()
  const add = (database: Database, id: string, sha256: string, sizeInBytes: number) =>
    database.batch([
      {
        sql: `insert into staged_uploads (id, instance, subject, issuer, metadata, file_name, size_in_bytes, bytes_received,
                created_at, keep_ms, expires_at) values ($1, 'default', 's', 'i', '', 'f', $2, $3, 0, 0, 0)`,
        params: [id, sizeInBytes, sizeInBytes],
      },
      {
        sql: 'insert into staged_parts (upload_id, start, sha256, size_in_bytes, is_kept) values ($1, 0, $2, $3, true)',
        params: [id, sha256, sizeInBytes],
      },
    ])
  const { sha256 } = folder.payload
  await folder.withDatabase(async (database) => {
    const [blob] = await database.query('select size_in_bytes as size from blobs where sha256 = $1', [sha256])
    await add(database, 'whole', sha256, Number(blob?.size))
  })
  assert.deepEqual((await examined(folder)).complaints, [])
  await folder.withDatabase((database) => add(database, 'broken', 'a'.repeat(64), 7))
  const { complaints, text } = await examined(folder)
  assert.deepEqual(complaints, ['rows: problem'])
  assert.match(text, /The staged upload broken in instance default lacks a part \(SHA-256 a{64}\)\. Delete it\./)
})

test('a database of another version is a problem', async () => {
  for (const number of [999, 0]) {
    await using folder = await makeDataFolder()
    await folder.withDatabase((database) =>
      database.query('update migrations set number = $1 where number = 1', [number]),
    )
    const { complaints, text } = await examined(folder)
    assert.deepEqual(complaints, ['schema: problem'])
    assert.match(text, number === 999 ? /newer Aduana: schema 999/ : /older Aduana: schema 0/)
  }
})

test('an idle blob that should be gone is a note while no server runs, and a warning while one does', async () => {
  await using folder = await makeDataFolder()
  await folder.withDatabase((database) =>
    database.query('update blobs set idle_since = (select now_ms from clock) - $1', [3 * DAY_MS]),
  )
  const stopped = await examined(folder)
  assert.deepEqual(stopped.complaints, [])
  assert.match(stopped.notes.join(), /note: 2 blobs should be deleted by now/)
  const lock = await lockData(join(folder.path, 'lock.db'))
  const running = await examined(folder).finally(() => lock.release())
  assert.deepEqual(running.complaints, ['idle-blobs: warning'])
})

test('keys that others can read are a problem, and a repair closes them', async () => {
  await using folder = await makeDataFolder()
  const key = join(folder.path, 'keys/issuer.jwk.json')
  await chmod(key, 0o644)
  const { complaints, text } = await examined(folder)
  assert.deepEqual(complaints, ['data-folder: problem'])
  assert.match(text, /issuer\.jwk\.json \(0644\): "chmod 0600/)
  assert.ok((await examined(folder, { isRepair: true })).isWell)
  assert.equal((await stat(key)).mode & 0o777, 0o600)
})

test('damaged marks and keys are a problem', async () => {
  for (const [name, sentence] of [
    ['installation.json', /does not describe an installation/],
    ['keys/issuer.jwk.json', /has no private ES256 key/],
  ] as const) {
    await using folder = await makeDataFolder()
    await writeFile(join(folder.path, name), '{"format":1,')
    const { complaints, text } = await examined(folder)
    assert.deepEqual(complaints, ['data-folder: problem'])
    assert.match(text, sentence)
  }
})

test('a certificate that expired, or does not belong to its key, is a problem', async () => {
  await using folder = await makeDataFolder()
  const tls = join(folder.path, 'tls')
  await rm(tls, { recursive: true })
  await loadTls({ folder: folder.path, machineName: 'workbench', now: new Date(Date.now() - 400 * DAY_MS) })
  const expired = await examined(folder)
  assert.deepEqual(expired.complaints, ['certificates: problem'])
  assert.match(expired.text, /server certificate .*server\.pem expired on .*Restart the server/)

  await loadTls({ folder: folder.path, machineName: 'workbench' })
  await writeFile(join(tls, 'server-key.pem'), await readFile(join(tls, 'ca-key.pem')))
  const foreign = await examined(folder)
  assert.deepEqual(foreign.complaints, ['certificates: problem'])
  assert.match(foreign.text, /does not belong to its key/)
})

test('times in the future, in rows or of files, are a warning about the clock', async () => {
  await using folder = await makeDataFolder()
  const tomorrow = new Date(Date.now() + DAY_MS)
  await utimes(join(folder.path, 'installation.json'), tomorrow, tomorrow)
  assert.deepEqual((await examined(folder)).complaints, ['clock: warning'])
  await utimes(join(folder.path, 'installation.json'), LONG_AGO, LONG_AGO)
  assert.deepEqual((await examined(folder)).complaints, [])
  await folder.withDatabase((database) => database.query('update updates set imported_at = $1', [Number(tomorrow)]))
  assert.deepEqual((await examined(folder)).complaints, ['clock: warning'])
})

test('a store that lost a folder is a problem, and none is made in its place', async () => {
  await using folder = await makeDataFolder()
  await rm(join(folder.path, 'blobs/v1'), { recursive: true })
  const { complaints, skipped } = await examined(folder)
  assert.deepEqual(complaints, ['store: problem'])
  assert.deepEqual(skipped, ['store-mark', 'leftovers', 'blobs'])
  await assert.rejects(stat(join(folder.path, 'blobs/v1')), { code: 'ENOENT' })
})

function newOperation(operationId: string): NewOperation {
  const request = { kind: 'import', inputs: [] } satisfies OperationRequest
  return { operationId, instance: 'default', request, requestedBy: 'a test', traceId: '0' }
}

/** Every file with its size, but for the empty ones that SQLite keeps beside a database that was read. */
async function contentsOf(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true })
  const contents = await Promise.all(
    names
      .filter((name) => !/aduana\.db-(wal|shm)$/.test(name))
      .map(async (name) => {
        const { size, mtimeMs, mode } = await stat(join(folder, name))
        return `${name} ${size} ${mode} ${name.includes('.') ? mtimeMs : ''}`
      }),
  )
  return contents.sort()
}
