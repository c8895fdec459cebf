// `aduana import` as a process of its own, against a real server: from files of this machine to an update, through everything that comes between.
import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { ApiClient } from '../../src/client/api-client.ts'
import { formatUpdateId } from '../../src/domain/update-id.ts'
import { freePort } from '../support/free-port.ts'
import { answerStatus, type MisbehavingSource, serveBytes, startSource } from '../support/misbehaving-source.ts'
import { paced } from '../support/paced.ts'
import { runAduana } from '../support/run-aduana.ts'
import { seededBytes } from '../support/seeded-bytes.ts'
import { unpublishedUpdate } from '../support/stage.ts'
import { type Aduana, startAduana } from '../support/start-aduana.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'
import { KEYS, NO_TERMINAL, openTerminal } from '../support/terminal.ts'
import { writeUpdate } from '../support/write-update.ts'

const folder = mkdtempSync(join(tmpdir(), 'aduana-cli-import-'))
after(() => rmSync(folder, { recursive: true }))
const env = { XDG_STATE_HOME: join(folder, 'state') }
const place = () => mkdtempSync(join(folder, 'update-'))

let source: MisbehavingSource
let server: Aduana
let client: ApiClient
before(async () => {
  source = await startSource()
  const port = await freePort()
  server = await startAduana({
    flags: ['--allow-source', '127.0.0.0/8', '--http', `127.0.0.1:${port}`],
    inFolder: true,
  })
  client = await server.client()
})
after(async () => {
  await server?.[Symbol.asyncDispose]()
  await source?.[Symbol.asyncDispose]()
})

const withServer = (args: readonly string[], url = server.httpUrl) => [
  ...args,
  '--server',
  url,
  '--data',
  server.folder,
]
const aduana = (...args: string[]) => runAduana(withServer(args), { env })

describe('an import', () => {
  test('needs no place to remember things', async () => {
    const { path } = writeUpdate(place())
    const { status, stderr } = await runAduana(withServer(['import', path]), { env: { XDG_STATE_HOME: '/dev/null' } })
    assert.equal(status, 0, stderr)
  })

  test('takes a folder with a parent and its child, uploads everything, and ends with the addresses', async () => {
    const at = place()
    const child = writeUpdate(at, {
      name: 'Part',
      isDeployable: false,
      files: [{ name: 'part.bin', bytes: Buffer.from('part') }],
    })
    const parent = writeUpdate(at, {
      references: [child.updateId],
      files: [{ name: 'a b.swu', bytes: Buffer.from('image') }],
    })
    const { status, stdout, stderr } = await aduana('import', at, '--friendly-name', 'Both')
    assert.equal(status, 0, stderr)
    assert.match(
      stdout,
      new RegExp(`^${formatUpdateId(child.updateId)} imported\n${formatUpdateId(parent.updateId)} imported\n`),
    )
    assert.match(
      stdout,
      /http:\/\/127\.0\.0\.1:\d+\/deviceUpdate\/default\/updates\/providers\/\S+\?api-version=2022-10-01\n$/,
    )
    assert.equal((await client.getUpdate(parent.updateId)).friendlyName, 'Both')
    assert.equal((await client.getUpdate(child.updateId)).friendlyName, undefined)
    assert.deepEqual(await Array.fromAsync(client.listStaged()), [])

    const again = await aduana('import', at)
    assert.equal(again.status, 1)
    assert.match(again.stderr, /are at the server already\. Give them a new version.* Nothing was sent/)
  })

  test('prints the operation with --json, and nothing else; over https with the CA of the server, too', async () => {
    const { path, updateId } = writeUpdate(place())
    const ca = join(server.folder, 'tls', 'ca.pem')
    const args = withServer(['import', path, '--json', '--ca', ca], server.httpsUrl)
    const { status, stdout, stderr } = await runAduana(args, { env })
    assert.deepEqual([status, stderr], [0, ''])
    const operation = JSON.parse(stdout)
    assert.deepEqual(
      [operation.kind, operation.status, operation.updates[0].updateId, operation.files[0].phase],
      ['import', 'Succeeded', updateId, 'Done'],
    )
  })

  test('tells of every wrong and missing file before anything is sent', async () => {
    const at = place()
    const { path } = writeUpdate(at, {
      files: ['longer', 'other', 'missing'].map((name) => ({ name, bytes: Buffer.from(name) })),
    })
    appendFileSync(join(at, 'longer'), '!')
    writeFileSync(join(at, 'other'), 'OTHER')
    rmSync(join(at, 'missing'))
    const { status, stdout, stderr } = await aduana('import', path)
    assert.deepEqual([status, stdout], [1, ''])
    assert.match(stderr, /longer: \S+ has 7 bytes, but \S+ says 6/)
    assert.match(stderr, /other: \S+ has the SHA-256 \S+=, but \S+ says \S+=\. Was it built again\?/)
    assert.match(stderr, /missing: .* is not there\. Put it there, or say where it is: --file missing=PATH-OR-URL/)
    assert.match(stderr, /Nothing was sent to the server\.\n$/)
    assert.deepEqual(await Array.fromAsync(client.listStaged()), [])
  })

  test('refuses more than one request takes, manifests that are none, and flags that name nothing', async () => {
    const at = place()
    for (let i = 0; i < 12; i += 1) writeUpdate(at, { version: `1.${i}` })
    assert.match((await aduana('import', at)).stderr, /These are 12 updates, and one import takes 11/)
    const bad = join(at, 'bad.json')
    writeFileSync(bad, '{"manifestVersion":"5.0"}')
    const { status, stderr } = await aduana('import', bad, join(at, 'none'), place(), '--file', 'x=y')
    assert.equal(status, 1)
    assert.match(stderr, /bad\.json: .*updateId/)
    assert.match(stderr, /none: is not there/)
    assert.match(stderr, /has no \*\.importmanifest\.json/)
    assert.match(
      (await aduana('import', writeUpdate(place()).path, '--file', 'x=y')).stderr,
      /--file x: no manifest lists this file/,
    )
  })

  test('passes URLs on as they are, of files and of the manifest', async () => {
    const bytes = Buffer.from('at a source')
    const at = place()
    const { path } = writeUpdate(at, { files: [{ name: 'far.swu', bytes }] })
    rmSync(join(at, 'far.swu'))
    const url = source.at('/far.swu', serveBytes(bytes))
    const far = await aduana('import', path, '--file', `FAR.swu=${url}?sig=secret%2B`)
    assert.equal(far.status, 0, far.stderr)
    assert.equal(source.requests.at(-1)?.path, '/far.swu?sig=secret%2B')

    const other = Buffer.from('at a source, too')
    const { updateId, manifestBytes } = unpublishedUpdate({ files: [{ name: 'b c.swu', bytes: other }] })
    const manifestUrl = source.at('/here/m.json', serveBytes(manifestBytes))
    source.at('/here/b%20c.swu', serveBytes(other))
    const whole = await aduana('import', `${manifestUrl}?sig=secret`)
    assert.equal(whole.status, 0, whole.stderr)
    assert.equal((await client.getUpdate(updateId)).updateId.provider, updateId.provider)
    assert.ok(source.requests.some(({ path: asked }) => asked === '/here/b%20c.swu?sig=secret'))
    assert.doesNotMatch(whole.stderr + whole.stdout, /secret/)
  })

  test('that the server cannot do ends with 2, and says why and what to do', async () => {
    const { path } = writeUpdate(place())
    const url = source.at('/gone', answerStatus(404))
    const { status, stdout, stderr } = await aduana('import', path, '--file', `toaster.swu=${url}?sig=secret`)
    assert.deepEqual([status, stdout], [2, ''])
    assert.match(stderr, /toaster\.swu.*404.*\[SourceStatus\]\nWhat to do: Check that the URL is right/s)
    assert.doesNotMatch(stderr, /secret/)
  })

  test('is only judged by --dry-run, which uploads once for both', async () => {
    const at = place()
    const { path, updateId } = writeUpdate(at, { files: [{ name: 'f', bytes: seededBytes('checked', 300_000) }] })
    const good = await aduana('import', path, '--dry-run')
    assert.deepEqual(
      [good.status, good.stdout],
      [0, `Nothing speaks against an import of ${formatUpdateId(updateId)}.\n`],
    )
    assert.match((await aduana('import', path, '--dry-run', '--deep')).stdout, /^An import of .* would succeed\.\n$/)
    await assert.rejects(client.getUpdate(updateId), { status: 404 })
    const staged = (await Array.fromAsync(client.listStaged())).filter(({ fileName }) => fileName === 'f')
    assert.equal(staged.length, 1)
    assert.equal((await aduana('import', path)).status, 0)

    const url = source.at('/gone', answerStatus(404))
    const other = writeUpdate(place()).path
    const bad = await aduana('import', other, '--dry-run', '--file', `toaster.swu=${url}`)
    assert.deepEqual([bad.status, bad.stdout], [2, ''])
    assert.match(bad.stderr, /^An import of .* would fail:\n {2}.*404.*\[SourceStatus\]\nWhat to do:/)
    const json = await aduana('import', other, '--dry-run', '--json')
    assert.deepEqual([json.status, JSON.parse(json.stdout).kind], [0, 'check'])
    assert.match((await aduana('import', other, '--deep')).stderr, /--deep belongs to --dry-run/)
  })
})

describe('an import that is interrupted', { skip: NO_TERMINAL }, () => {
  /** An update whose file comes slowly from a source. */
  function slowUpdate(bodyMs: number) {
    const bytes = seededBytes(`${bodyMs}`, 200_000)
    const { path, updateId } = writeUpdate(place(), { files: [{ name: 'slow.swu', bytes }] })
    const url = source.at(`/slow-${updateId.provider}`, paced(serveBytes(bytes), { bodyMs }))
    return { updateId, args: withServer(['import', path, '--file', `slow.swu=${url}`]) }
  }

  test('by Ctrl-C while it uploads goes on there the next time', async () => {
    await using proxy = await startTcpProxy({ targetPort: Number(new URL(server.httpUrl).port) })
    const sizeInBytes = 6_000_000
    const { path, updateId } = writeUpdate(place(), {
      files: [{ name: 'big.swu', bytes: seededBytes('big', sizeInBytes) }],
    })
    const args = withServer(['import', path], `http://127.0.0.1:${proxy.port}`)
    proxy.holdsBack = () => proxy.bytesToServer() > 3_000_000
    await using first = openTerminal(args, { env, columns: 70 })
    await proxy.held()
    await first.until(/big\.swu +uploading/)
    first.type(KEYS.ctrlC)
    const { status, screen } = await first.end()
    assert.equal(status, 3, screen)
    assert.match(screen, /Stopped; nothing is imported\. The same command goes on where this one was/)
    // The cursor is there again, and lines wrap.
    assert.ok(first.output().lastIndexOf('\u001b[?25h') > first.output().lastIndexOf('\u001b[?25l'))
    proxy.letGo()

    const before = proxy.bytesToServer()
    const second = await runAduana(args, { env })
    assert.equal(second.status, 0, second.stderr)
    assert.ok(proxy.bytesToServer() - before < sizeInBytes - 2_000_000, `${proxy.bytesToServer() - before} bytes again`)
    assert.equal((await client.getUpdate(updateId)).updateId.version, updateId.version)
  })

  test('by Ctrl-C while it is watched goes on at the server, and is found again', async () => {
    const { args, updateId } = slowUpdate(6000)
    await using first = openTerminal(args, { env })
    await first.until(/slow\.swu +importing/)
    first.type(KEYS.ctrlC)
    const { status, screen } = await first.end()
    assert.equal(status, 3, screen)
    const [, operationId = ''] = /To watch it again: aduana watch (\S+) --server/.exec(screen) ?? []

    const second = await runAduana(args, { env })
    assert.equal(second.status, 0, second.stderr)
    assert.match(second.stderr, new RegExp(`begun already, as operation ${operationId}`))
    const operations = await Array.fromAsync(client.listAllOperations({ kind: ['import'] }))
    assert.equal(operations.filter(({ updates }) => updates[0]?.updateId.provider === updateId.provider).length, 1)
    const watched = await aduana('watch', operationId)
    assert.deepEqual([watched.status, watched.stdout], [0, `${formatUpdateId(updateId)} imported\n`])
  })

  test('by --no-wait is watched by whoever asks for the same', async () => {
    const { args, updateId } = slowUpdate(1500)
    const first = await runAduana([...args, '--no-wait'], { env })
    assert.equal(first.status, 0, first.stderr)
    assert.match(first.stdout, /^Accepted as operation \S+\. To watch it: aduana watch/)
    // On another machine nothing is remembered; the server knows as soon as it has read the manifest.
    const elsewhere = await runAduana(args, { env: { XDG_STATE_HOME: join(folder, 'elsewhere') } })
    assert.equal(elsewhere.status, 0, elsewhere.stderr)
    assert.match(elsewhere.stderr, /An import of the same is under way/)
    assert.equal(elsewhere.stdout.split('\n')[0], `${formatUpdateId(updateId)} imported`)
  })

  test('by the death of the server goes on when it is back, with the same command still watching', async () => {
    const { args, updateId } = slowUpdate(4000)
    await using terminal = openTerminal(args, { env })
    await terminal.until(/slow\.swu +importing/)
    await server.stop('SIGKILL')
    await terminal.until(/The server does not answer for the moment/)
    server = await server.restart()
    client = await server.client()
    const { status, screen } = await terminal.end()
    assert.equal(status, 0, screen)
    assert.match(screen, /The server answers again/)
    assert.match(screen, new RegExp(`${formatUpdateId(updateId)} imported`))
  })
})
