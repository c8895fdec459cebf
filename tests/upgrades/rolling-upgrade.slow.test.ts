import assert from 'node:assert/strict'
import { cp, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { ApiClient } from '../../src/client/api-client.ts'
import { formatUpdateId } from '../../src/domain/update-id.ts'
import { schemaKnown } from '../../src/store/migrate.ts'
import { importWithoutPause, type Load } from '../support/import-without-pause.ts'
import { type MisbehavingSource, startSource } from '../support/misbehaving-source.ts'
import { eventually } from '../support/operation-end.ts'
import { noPostgres } from '../support/postgres.ts'
import { startAduana } from '../support/start-aduana.ts'
import { openNodes } from '../support/start-nodes.ts'

const ROOT = join(import.meta.dirname, '../..')

/** What a version may do to the schema while nodes of the version before are at work: add. */
const MIGRATION = `
create table newer_things (
  thing {{text}} primary key,
  at bigint not null default 0
);
alter table updates add column newer_text {{text}};
alter table operations add column newer_number bigint;
alter table files add column newer_flag boolean;
alter table audit add column newer_text {{text}};
create index updates_newer on updates (newer_text);
`

let source: MisbehavingSource
let newer: string
before(async () => {
  source = await startSource()
  newer = await mkdtemp(join(tmpdir(), 'aduana-newer-'))
  await Promise.all(
    ['bin', 'src', 'migrations', 'package.json'].map((name) =>
      cp(join(ROOT, name), join(newer, name), { recursive: true }),
    ),
  )
  await symlink(join(ROOT, 'node_modules'), join(newer, 'node_modules'))
  const number = String(schemaKnown() + 1).padStart(4, '0')
  await writeFile(join(newer, 'migrations', `${number}-newer.sql`), MIGRATION)
})
after(async () => {
  await source?.[Symbol.asyncDispose]()
  await rm(newer, { recursive: true, force: true })
})

/** Waits until so many more imports and deletions have ended. */
async function goOn(load: Load, more: number): Promise<void> {
  const [settled, deleted] = [load.settled().size, load.deleted().size]
  await eventually('work goes on', () => load.settled().size >= settled + more && load.deleted().size > deleted, 60_000)
}

/** Reads what is there, to the last byte, and sees that what was deleted is not. */
async function assertRight(client: ApiClient, loads: readonly Load[]): Promise<void> {
  const listed = (await Array.fromAsync(client.listUpdates())).map(({ updateId }) => formatUpdateId(updateId))
  assert.deepEqual(listed.sort(), loads.flatMap((load) => [...load.settled()]).sort())
  for (const { published, settled } of loads) {
    for (const key of settled()) {
      const { updateId, payloads } = published.get(key)!
      for (const { fileName, contentUrl } of (await client.getUpdateWithContent(updateId)).files) {
        const bytes = Buffer.from(await (await fetch(contentUrl)).arrayBuffer())
        assert.ok(bytes.equals(payloads.get(fileName) ?? Buffer.of()), `${key}: ${fileName}`)
      }
    }
  }
}

test('a node works on while a newer one changes the schema beneath it; one of its version does not start after that', {
  skip: noPostgres,
}, async () => {
  await using nodes = await openNodes()
  const program = join(newer, 'bin/aduana.js')
  const old = await nodes.start()
  const client = await old.client()
  const load = importWithoutPause(client, source, 2)
  await goOn(load, 10)

  const upgraded = await nodes.start([], { program })
  const columns = await nodes.database.query(
    "select table_name from information_schema.columns where column_name like 'newer_%'",
  )
  assert.equal(columns.length, 4)
  const other = await upgraded.client()
  const otherLoad = importWithoutPause(other, source, 2)
  await Promise.all([goOn(load, 10), goOn(otherLoad, 10)])
  // Throw whatever was refused meanwhile.
  await Promise.all([load.stop(), otherLoad.stop()])
  for (const either of [client, other]) await assertRight(either, [load, otherLoad])
  assert.doesNotMatch(old.log(), /"level":50/)
  assert.match(old.log(), /operation succeeded/)
  assert.match(upgraded.log(), /operation succeeded/)

  assert.equal(await old.stop(), 0)
  await assert.rejects(
    old.restart(),
    /was written by a newer Aduana \(schema \d+, this one knows \d+\)\. Install that version/,
  )
  const flags = ['--allow-source', '127.0.0.0/8', '--database', nodes.databaseUrl, '--store', nodes.store]
  await using late = await startAduana({ folder: old.folder, flags, program })
  await assertRight(await late.client(), [load, otherLoad])
})
