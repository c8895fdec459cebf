// What a released version left behind is opened by this one, and its migrations stay what they were. How a version's data folder comes
// to be stored: CONTRIBUTING.md, "Releasing".
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, test } from 'node:test'
import { importJWK, SignJWT } from 'jose'
import { Agent, fetch as fetchWith } from 'undici'
import { createApiClient } from '../../src/client/api-client.ts'
import { checkData } from '../faults/check-data.ts'
import { type Behaviour, serveBytes } from '../support/misbehaving-source.ts'
import { operationEnd } from '../support/operation-end.ts'
import { sha256Of } from '../support/publish-update.ts'
import { spawnAduana } from '../support/spawn-aduana.ts'
import { startAduana } from '../support/start-aduana.ts'
import { unpackFolder } from './packed-folder.ts'
import { readAnswers } from './read-answers.ts'
import { serveStored } from './stored-source.ts'
import {
  changedMigrations,
  currentMigrations,
  readReleases,
  readStored,
  type StoredVersion,
  storedFolder,
  storedVersions,
} from './stored-versions.ts'

const MAKE_AGAIN = 'node scripts/make-data-folder.ts'

describe('migrations', () => {
  test('are numbered from 1 without gaps', () => {
    const names = Object.keys(currentMigrations())
    assert.ok(names.length > 0)
    for (const [index, name] of names.entries()) {
      assert.match(name, /^\d{4}-[a-z0-9-]+\.sql$/)
      assert.equal(Number.parseInt(name, 10), index + 1, name)
    }
  })

  test('are never edited once they are released', () => {
    const current = currentMigrations()
    for (const release of readReleases()) {
      assert.deepEqual(
        changedMigrations(release, current),
        [],
        'Make a new migration in place of editing a released one.',
      )
      assert.ok(existsSync(storedFolder(release.version)), `No data folder of ${release.version} is stored.`)
    }
  })

  test('that were edited, renamed or dropped after a release are found', () => {
    const release = { version: '1.0.0', migrations: { '0001-a.sql': 'aa', '0002-b.sql': 'bb' } }
    assert.deepEqual(changedMigrations(release, { '0001-a.sql': 'aa', '0002-b.sql': 'bb', '0003-c.sql': 'cc' }), [])
    assert.deepEqual(changedMigrations(release, { '0001-a.sql': 'ab', '0002-c.sql': 'bb' }), [
      'migrations/0001-a.sql is not what it was in 1.0.0.',
      'migrations/0002-b.sql is not there as it was in 1.0.0.',
    ])
  })

  test('run once where two servers start at the same time', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'aduana-migrate-'))
    const servers = [spawnAduana({ folder }), spawnAduana({ folder })]
    try {
      const first = await Promise.race(servers.map(async (server) => ((await server.ready) ? server : undefined)))
      assert.ok(first, servers.map((server) => server.log()).join('\n'))
      const other = servers.find((server) => server !== first)!
      // The other one waits for the lock; until it has it, it must not have touched the database.
      first.process.kill('SIGTERM')
      assert.equal((await first.exited).code, 0)
      assert.ok(await other.ready, other.log())
      assert.deepEqual(migrationsOf(folder), Object.keys(currentMigrations()))
    } finally {
      for (const { process } of servers) process.kill('SIGKILL')
      await Promise.all(servers.map(({ exited }) => exited))
      await rm(folder, { recursive: true })
    }
  })
})

for (const version of storedVersions()) {
  describe(`the data folder of ${version}`, () => {
    const { expected, packed } = readStored(version)

    test('is of the migrations that there are', () => {
      const isReleased = readReleases().some((release) => release.version === version)
      const changed = changedMigrations(expected, currentMigrations())
      assert.deepEqual(
        changed,
        [],
        isReleased ? 'Undo that.' : `Not released yet, so make the folder again: ${MAKE_AGAIN}`,
      )
    })

    test('is opened by this version, with all that is in it', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'aduana-upgrade-'))
      await unpackFolder(packed, folder)
      const authority = await readFile(join(folder, 'tls/ca.pem'), 'utf8')
      await using stored = await serveStored(pathsOf(expected))
      await using aduana = await startAduana({ folder })
      const { httpUrl: baseUrl, httpsUrl } = aduana

      const token = await oldToken(folder, expected)
      const clientOf = (instance: string) => createApiClient({ baseUrl, token, instance, dialect: '2022' })
      for (const [instance, answers] of Object.entries(expected.answers)) {
        assert.partialDeepStrictEqual(await readAnswers(clientOf(instance), Object.keys(answers.operations)), answers)
      }
      const { operationId, instance, updateId, contents } = expected.inProgress
      const { status, error } = await operationEnd(clientOf(instance), operationId)
      assert.equal(status, stored === undefined ? 'Failed' : 'Succeeded', JSON.stringify(error))
      if (stored !== undefined) {
        const { files } = await clientOf(instance).getUpdateWithContent(updateId)
        for (const { fileName, contentUrl } of files) {
          assert.equal(sha256Of(await (await fetch(contentUrl)).bytes()), contents[fileName], fileName)
        }
      }

      const trusting = new Agent({ connect: { ca: authority } })
      assert.equal(
        (await fetchWith(`${httpsUrl}/readyz`, { dispatcher: trusting })).status,
        200,
        'clients trust it still',
      )
      await trusting.close()

      assert.equal(await aduana.stop(), 0)
      assert.deepEqual(await checkData({ folder }), [])
      assert.deepEqual(migrationsOf(folder), Object.keys(currentMigrations()))
    })
  })
}

/** What a token of that version would be if it had not expired: the same words, signed anew with the key that it left. */
async function oldToken(folder: string, { token: { header, payload } }: StoredVersion): Promise<string> {
  const key = await importJWK(JSON.parse(await readFile(join(folder, 'keys/issuer.jwk.json'), 'utf8')), 'ES256')
  const now = Math.floor(Date.now() / 1000)
  return new SignJWT({ ...payload, iat: now, nbf: now, exp: now + 600 }).setProtectedHeader(header).sign(key)
}

function pathsOf({ inProgress }: StoredVersion): Map<string, Behaviour> {
  return new Map(
    Object.entries(inProgress.paths).map(([path, { fill, sizeInBytes }]) => [
      path,
      serveBytes(Buffer.alloc(sizeInBytes, fill)),
    ]),
  )
}

function migrationsOf(folder: string): string[] {
  const database = new DatabaseSync(join(folder, 'aduana.db'), { readOnly: true })
  try {
    return database
      .prepare('select name from migrations order by number')
      .all()
      .map(({ name }) => String(name))
  } finally {
    database.close()
  }
}
