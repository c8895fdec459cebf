// What commands make of the data folder of a node, and of one that was moved to nodes or not.
import assert from 'node:assert/strict'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type MisbehavingSource, startSource } from '../support/misbehaving-source.ts'
import { importAndWait } from '../support/operation-end.ts'
import { noPostgres } from '../support/postgres.ts'
import { publishUpdate } from '../support/publish-update.ts'
import { runAduana } from '../support/run-aduana.ts'
import { type Aduana, startAduana } from '../support/start-aduana.ts'
import { type Nodes, openNodes } from '../support/start-nodes.ts'

describe('the data folder of a node', { skip: noPostgres }, () => {
  let source: MisbehavingSource
  let nodes: Nodes
  let node: Aduana
  before(async () => {
    source = await startSource()
    nodes = await openNodes()
    node = await nodes.start()
    const { status } = await importAndWait(await node.client(), [publishUpdate(source).input])
    assert.equal(status, 'Succeeded')
  })
  after(async () => {
    await nodes?.[Symbol.asyncDispose]()
    await source?.[Symbol.asyncDispose]()
  })
  const shared = () => ['--database', nodes.databaseUrl, '--store', nodes.store]

  async function refusal(...args: string[]): Promise<string> {
    const { status, stdout, stderr } = await runAduana(args)
    assert.equal(status, 1, stdout)
    assert.match(stderr, /^aduana: [^\n]+\.\n$/, 'one sentence')
    return stderr
  }

  test('is well beside the node, with what all nodes share and without', async () => {
    for (const args of [
      ['--data', node.folder],
      ['--deep', '--repair'],
    ]) {
      const { status, stdout, stderr } = await runAduana(['doctor', ...shared(), ...args])
      assert.equal(status, 0, stdout + stderr)
      assert.match(stdout, /^ok {6}Nodes +1 alive: [0-9a-f]{16} \(api, worker, /m)
      assert.match(stdout, /^All is well in postgres:\/\/postgres@127\.0\.0\.1:\d+\/\w+ and \S+ \(a node runs\)\.$/m)
    }
  })

  test('is nothing to examine, back up or restore to without its database', async () => {
    assert.match(
      await refusal('doctor', '--data', node.folder),
      /is the folder of a node that shares a database: name that/,
    )
    const to = join(node.folder, '../backup')
    for (const args of [
      ['backup', '--data', node.folder, '--to', to],
      ['backup', '--data', node.folder, '--to', to, '--database', nodes.databaseUrl],
      ['restore', '--data', node.folder, '--from', to],
      ['restore', '--data', `${node.folder}-new`, '--from', to, '--database', nodes.databaseUrl],
    ]) {
      assert.match(await refusal(...args), /pg_dump, and the store with its own tools: docs\/many-nodes\.md#backups/)
    }
  })

  test('gives tokens and links, of the usual instance unless told, and says so apart from them', async () => {
    const token = await runAduana(['token', '--data', node.folder])
    assert.match(token.stdout, /^[\w-]+\.[\w-]+\.[\w-]+\n$/)
    assert.match(token.stderr, /^aduana: The instance is taken to be "default"\. .*--instance\.\n$/)
    const answer = await fetch(`${node.httpUrl}/deviceUpdate/default/updates/providers?api-version=2022-10-01`, {
      headers: { authorization: `Bearer ${token.stdout.trim()}` },
    })
    assert.equal(answer.status, 200)
    assert.equal((await runAduana(['token', '--data', node.folder, '--instance', 'default'])).stderr, '')
    const link = await runAduana(['link', '--data', node.folder, '--server', node.httpUrl])
    assert.match(link.stdout, /^http:\/\/127\.0\.0\.1:\d+\/#code=\S+\n$/)
    const rescan = await runAduana(['rescan', '--data', node.folder, '--server', node.httpUrl])
    assert.match(rescan.stderr, /^aduana: The instance .*\naduana: .*no malware scanner/)
  })

  test('is no data folder by itself: a server that forgets the database does not begin with an empty catalogue', async () => {
    await using other = await nodes.start()
    await other.stop()
    const alone = () => startAduana({ folder: other.folder, flags: [] })
    await assert.rejects(alone(), /is the folder of a node that shares a database: give that as --database/)
    await rm(join(other.folder, 'node'))
    await using server = await alone()
    assert.equal((await Array.fromAsync((await server.client()).listProviders())).length, 0)
  })
})

test('a server that was to share a database, but whose catalogue was not moved there, does not begin', {
  skip: noPostgres,
}, async () => {
  await using source = await startSource()
  await using server = await startAduana({ inFolder: true })
  const update = publishUpdate(source)
  assert.equal((await importAndWait(await server.client(), [update.input])).status, 'Succeeded')
  await server.stop()
  await using nodes = await openNodes({ store: join(server.folder, 'blobs') })
  const { folder } = server
  const flags = ['--database', nodes.databaseUrl, '--store', nodes.store]
  await assert.rejects(
    startAduana({ folder, flags }),
    /has a catalogue with updates, and the database is empty: run "aduana move-database" first/,
  )
  const { status, stderr } = await runAduana(['move-database', '--data', folder, '--database', nodes.databaseUrl])
  assert.equal(status, 0, stderr)
  await using moved = await startAduana({ folder, flags })
  assert.ok(await (await moved.client()).getUpdate(update.updateId))
  await moved.stop()
  await readFile(join(folder, 'node'))
  await assert.rejects(startAduana({ folder, flags: [] }), /To do without that database, delete .*node: /)
})
