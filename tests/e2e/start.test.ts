// A start that cannot go well is refused in a sentence, before anything in the folder is changed.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { openSqlite } from '../../src/adapters/sqlite/database-sqlite.ts'
import { spawnAduana } from '../support/spawn-aduana.ts'

let root: string
/** A data folder that a server has used and left. */
let used: string
before(async () => {
  root = mkdtempSync(join(tmpdir(), 'aduana-start-'))
  chmodSync(root, 0o755)
  used = join(root, 'used')
  assert.equal((await start(used)).status, 0)
})
after(() => rmSync(root, { recursive: true, force: true }))

/** Starts the server, and stops it if it gets ready, which most of these should not. */
async function start(folder: string, launcher: readonly string[] = []) {
  const server = spawnAduana({ folder, flags: ['--log-level', 'silent'], launcher })
  const isReady = (await server.ready) !== undefined
  server.process.kill('SIGTERM')
  const { code } = await server.exited
  return { status: code, isReady, stderr: server.log() }
}

function assertRefused({ status, isReady, stderr }: Awaited<ReturnType<typeof start>>, sentence: RegExp): void {
  assert.match(stderr, sentence)
  assert.match(stderr, /^aduana: [^\n]+\.\n$/, 'one line, that ends as a sentence does')
  assert.doesNotMatch(stderr, /\bat .*:\d+:\d+|node:/, 'no stack trace')
  assert.ok(!isReady)
  assert.equal(status, 1)
}

/** A copy of the used folder, to break. */
function copyOfUsed(name: string): string {
  const folder = join(root, name)
  cpSync(used, folder, { recursive: true, preserveTimestamps: true })
  return folder
}

function contentsOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => `${name} ${statSync(join(folder, name)).mtimeMs} ${statSync(join(folder, name)).mode}`)
    .sort()
}

// Side by side, since a process that starts has to wait for much.
describe('aduana serve', { concurrency: 2 }, () => {
  test('takes a folder that is new, empty, of a fresh disk, or left by a start that was killed at once', async () => {
    const fresh = join(root, 'fresh')
    mkdirSync(join(fresh, 'lost+found'), { recursive: true })
    writeFileSync(join(fresh, 'lock.db'), '')
    for (const folder of [join(root, 'new', 'and', 'deep'), fresh, copyOfUsed('again')]) {
      const { isReady, status, stderr } = await start(folder)
      assert.ok(isReady, stderr)
      assert.equal(status, 0)
    }
  })

  test("leaves somebody else's folder as it is", async () => {
    const home = join(root, 'home')
    mkdirSync(join(home, 'Documents'), { recursive: true })
    writeFileSync(join(home, '.profile'), '')
    const before = contentsOf(home)
    assertRefused(
      await start(home),
      /home is not a data folder of Aduana, and not empty: it has "\.profile" and 1 more\. Name an empty/,
    )
    assert.deepEqual(contentsOf(home), before)
  })

  test('does not take a folder that cannot be made', async () => {
    const file = join(root, 'file')
    writeFileSync(file, '')
    for (const folder of [file, join(file, 'data')]) {
      assertRefused(
        await start(folder),
        /cannot be made: a file stands where a folder should\. Name another one with --data\./,
      )
    }
  })

  test('does not take a folder that it cannot write', async () => {
    const folder = copyOfUsed('read-only')
    const before = contentsOf(folder)
    const refused = await startReadOnly(folder)
    assertRefused(
      refused,
      /The data folder .*read-only cannot be written: .*(mounted for reading only|has no right to)\./,
    )
    chmodSync(folder, 0o750)
    assert.deepEqual(
      contentsOf(folder).filter((line) => !line.startsWith('. ')),
      before,
    )
  })

  test('does not take a database that a newer version wrote', async () => {
    const folder = copyOfUsed('newer')
    const database = openSqlite(join(folder, 'aduana.db'))
    await database.query("insert into migrations (number, name, ran_at) values (999, '0999-future.sql', 0)")
    await database.close()
    assertRefused(
      await start(folder),
      /written by a newer Aduana \(schema 999, .*\)\. Install that version, or restore a backup\./,
    )
  })

  test('does not take a database that is damaged, is none, or is of something else', async () => {
    for (const [intactBytes, sentence] of [
      [0, /aduana\.db is not a database, or its beginning is overwritten\. Stop Aduana and restore/],
      [100, /The database .*aduana\.db is damaged\. Stop Aduana and restore/],
    ] as const) {
      const folder = copyOfUsed(`damaged-${intactBytes}`)
      const path = join(folder, 'aduana.db')
      writeFileSync(path, readFileSync(path).fill(0xa5, intactBytes))
      const before = contentsOf(folder)
      assertRefused(await start(folder), sentence)
      assert.deepEqual(contentsOf(folder), before)
    }

    const other = join(root, 'other')
    mkdirSync(other)
    const database = openSqlite(join(other, 'aduana.db'))
    await database.query('create table recipes (name text)')
    await database.close()
    const before = contentsOf(other)
    assertRefused(await start(other), /is a database, but not one of Aduana\. Name another folder/)
    assert.deepEqual(contentsOf(other), before)
  })

  test('does not take damaged marks or keys', async () => {
    for (const [name, sentence] of [
      ['installation.json', /installation\.json does not describe an installation/],
      ['keys/issuer.jwk.json', /issuer\.jwk\.json has no private ES256 key/],
    ] as const) {
      const folder = copyOfUsed(`marks-${name.slice(0, 4)}`)
      writeFileSync(join(folder, name), '{"format":1,"kty"')
      const before = contentsOf(folder)
      assertRefused(await start(folder), sentence)
      assert.deepEqual(contentsOf(folder), before)
    }
  })
})

/**
 * Rights do not bind root, so for root the folder is mounted for reading only, in a mount namespace that ends with the process; where that is
 * not allowed, as in most containers, the server runs as a user who owns nothing.
 */
function startReadOnly(folder: string) {
  if (process.getuid?.() !== 0) {
    chmodSync(folder, 0o500)
    return start(folder)
  }
  const mount = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0"'
  const inNamespace = (script: string) => ['unshare', '-m', 'sh', '-c', script, folder]
  const [command = '', ...args] = inNamespace(mount)
  if (spawnSync(command, args).status === 0) return start(folder, inNamespace(`${mount} && exec "$@"`))
  chmodSync(folder, 0o555)
  return start(folder, ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'])
}
