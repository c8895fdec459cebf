// The commands about what a server has, as processes of their own: what they print, how they end, and what a lying server cannot do to them.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type MisbehavingSource, startSource } from '../support/misbehaving-source.ts'
import { importAndWait } from '../support/operation-end.ts'
import { publishUpdate, type UpdateRecipe } from '../support/publish-update.ts'
import { runAduana } from '../support/run-aduana.ts'
import { type Aduana, startAduana } from '../support/start-aduana.ts'
import { openTerminal, openTerminalWith } from '../support/terminal.ts'

const PROGRAM = new URL('../../bin/aduana.js', import.meta.url).pathname
const folder = mkdtempSync(join(tmpdir(), 'aduana-cli-updates-'))
after(() => rmSync(folder, { recursive: true }))
const env = { XDG_STATE_HOME: join(folder, 'state') }
const sha256Of = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('base64')
const linesOf = (text: string) => text.trimEnd().split('\n')

describe('the commands about updates', () => {
  let source: MisbehavingSource
  let server: Aduana
  const image = Buffer.alloc(300_000, 'image')
  before(async () => {
    source = await startSource()
    server = await startAduana({ inFolder: true })
    const client = await server.client()
    const publish = (recipe: UpdateRecipe) => publishUpdate(source, { provider: 'Contoso', ...recipe })
    const part = publish({
      name: 'Part',
      isDeployable: false,
      files: [{ name: 'part.bin', bytes: Buffer.from('part') }],
    })
    const parent = publish({
      name: 'Toaster',
      version: '2.0',
      references: [part.updateId],
      files: [
        { name: 'toaster.swu', bytes: image },
        { name: 'notes.txt', bytes: Buffer.from('hello') },
      ],
    })
    await importAndWait(client, [parent.input, part.input])
    await importAndWait(client, [publish({ name: 'Toaster', version: '1.0' }).input])
    await importAndWait(client, [publish({ name: 'Toaster', version: '1.0' }).input])
  })
  after(async () => {
    await server?.[Symbol.asyncDispose]()
    await source?.[Symbol.asyncDispose]()
  })

  const aduana = (...args: string[]) =>
    runAduana([...args, '--server', server.httpUrl, '--data', server.folder], { env, cwd: folder })

  test('list is a table with a head, and what was searched for; with --json each update is a line', async () => {
    const all = await aduana('list')
    assert.equal(all.status, 0, all.stderr)
    const [head, ...rows] = linesOf(all.stdout)
    assert.match(head ?? '', /^UPDATE {15}DEPLOYABLE {2}SCAN {9}IMPORTED/)
    assert.deepEqual(rows.map((row) => row.split(/ {2,}/).slice(0, 3)).sort(), [
      ['Contoso/Part/1.0', 'no', 'not scanned'],
      ['Contoso/Toaster/1.0', 'yes', 'not scanned'],
      ['Contoso/Toaster/2.0', 'yes', 'not scanned'],
    ])
    const versions = await aduana('list', '--provider', 'contoso', '--name', 'Toaster', '--json')
    assert.deepEqual(
      linesOf(versions.stdout).map((line) => JSON.parse(line).updateId.version),
      ['2.0', '1.0'],
    )
    const none = await aduana('list', 'nothing-like-it')
    assert.deepEqual([none.status, none.stdout], [0, ''])
    assert.match(none.stderr, /no updates in default for "nothing-like-it"/)
  })

  test('show says what is known about an update, and what an unknown one is', async () => {
    const { stdout } = await aduana('show', 'contoso/toaster/02.0')
    assert.match(stdout, /^Contoso\/Toaster\/2\.0\n/)
    assert.match(stdout, /for devices {5}deviceManufacturer=Contoso, deviceModel=Toaster/)
    assert.match(stdout, /step 2 {10}install Contoso\/Part\/1\.0/)
    const { updateId, files } = JSON.parse((await aduana('show', 'Contoso/Toaster/2.0', '--json')).stdout)
    assert.deepEqual([updateId.version, files.length], ['2.0', 2])
    const missing = await aduana('show', 'Contoso/Toaster/9.9')
    assert.deepEqual([missing.status, missing.stdout], [1, ''])
    assert.match(missing.stderr, /^aduana: There is no update "?Contoso\/Toaster\/9\.9/)
    assert.match((await aduana('show', 'Toaster')).stderr, /Write PROVIDER\/NAME\/VERSION/)
  })

  test('files lists names, sizes and hashes', async () => {
    const { stdout } = await aduana('files', 'Contoso/Toaster/2.0')
    assert.deepEqual(linesOf(stdout), [
      'FILE           SIZE  SCAN         SHA-256                                       RELATED TO',
      `toaster.swu  300 kB  not scanned  ${sha256Of(image)}`,
      `notes.txt       5 B  not scanned  ${sha256Of(Buffer.from('hello'))}`,
    ])
    const [first] = linesOf((await aduana('files', 'Contoso/Toaster/2.0', '--json')).stdout)
    assert.equal(JSON.parse(first ?? '').fileName, 'toaster.swu')
  })

  test('operations lists what was done, and watch says why something failed', async () => {
    const failed = await aduana('operations', '--status', 'failed')
    assert.equal(linesOf(failed.stdout).length, 2)
    assert.match(failed.stdout, /import {2}Failed .* Contoso\/Toaster\/1\.0 +UpdateAlreadyExists/)
    const ids = linesOf((await aduana('operations', '--json', '--top', '2')).stdout).map((line) => JSON.parse(line))
    assert.equal(ids.length, 2)
    const [{ operationId }, { operationId: succeeded }] = ids
    const watched = await aduana('watch', operationId)
    assert.deepEqual([watched.status, watched.stdout], [2, ''])
    assert.match(
      watched.stderr,
      /Failed: Contoso\/Toaster\/1\.0[\s\S]*\[UpdateAlreadyExists\]\nWhat to do: Give the update a new version/,
    )
    const good = await aduana('watch', succeeded)
    assert.deepEqual([good.status, good.stdout], [0, 'Contoso/Toaster/1.0 imported\n'])
    const json = await aduana('watch', operationId, '--json')
    assert.equal(json.status, 2)
    assert.equal(JSON.parse(linesOf(json.stdout).at(-1) ?? '').status, 'Failed')
    assert.match(
      (await aduana('operations', '--status', 'done')).stderr,
      /there are NotStarted, Running, Succeeded, Failed/,
    )
    const unknown = await aduana('watch', 'b1946ac9-2492-4d23-8f7a-000000000000')
    assert.equal(unknown.status, 1)
    assert.match(unknown.stderr, /^aduana: There is no such operation[^\n]*\n$/)
  })

  test('download keeps what has the right hash, finds it again, and replaces nothing else', async () => {
    const to = join(folder, 'whole')
    const first = await aduana('download', 'Contoso/Toaster/2.0', '--to', to)
    assert.equal(first.status, 0, first.stderr)
    assert.deepEqual(readdirSync(to).sort(), ['notes.txt', 'toaster.swu'])
    assert.ok(image.equals(readFileSync(join(to, 'toaster.swu'))))

    writeFileSync(join(to, 'notes.txt'), 'mine')
    const again = await aduana('download', 'Contoso/Toaster/2.0', 'toaster.swu', '--to', to, '--json')
    assert.deepEqual(JSON.parse(again.stdout), {
      fileName: 'toaster.swu',
      path: join(to, 'toaster.swu'),
      outcome: 'present',
    })
    const refused = await aduana('download', 'Contoso/Toaster/2.0', 'NOTES.txt', '--to', to)
    assert.equal(refused.status, 1)
    assert.match(refused.stderr, /notes\.txt is there already, and is something else\. Replace it with --force/)
    assert.equal(readFileSync(join(to, 'notes.txt'), 'utf8'), 'mine')
    assert.equal((await aduana('download', 'Contoso/Toaster/2.0', 'notes.txt', '--to', to, '--force')).status, 0)
    assert.equal(readFileSync(join(to, 'notes.txt'), 'utf8'), 'hello')
    assert.match(
      (await aduana('download', 'Contoso/Toaster/2.0', 'x', '--to', to)).stderr,
      /Its files are: toaster\.swu, notes\.txt/,
    )
  })

  test('a link in the folder is replaced itself, and what it leads to stays', async () => {
    const to = join(folder, 'linked')
    mkdirSync(to)
    writeFileSync(join(folder, 'precious'), 'precious')
    symlinkSync(join(folder, 'precious'), join(to, 'notes.txt'))
    assert.equal((await aduana('download', 'Contoso/Toaster/2.0', 'notes.txt', '--to', to)).status, 1)
    assert.equal((await aduana('download', 'Contoso/Toaster/2.0', 'notes.txt', '--to', to, '--force')).status, 0)
    assert.equal(readFileSync(join(to, 'notes.txt'), 'utf8'), 'hello')
    assert.equal(readFileSync(join(folder, 'precious'), 'utf8'), 'precious')
  })

  test('a narrow terminal leaves out columns and no part of a name; a list has no colours in a pipe', async () => {
    const args = ['list', '--server', server.httpUrl, '--data', server.folder]
    await using narrow = openTerminal(args, { columns: 34, env })
    assert.equal((await narrow.end()).status, 0)
    assert.ok(narrow.output().startsWith(`\x1b[1mUPDATE${' '.repeat(15)}DEPLOYABLE\x1b[22m\r\n`), narrow.output())
    assert.match(narrow.output(), /Contoso\/Toaster\/2\.0 {2}yes\r\n/)
    await using plain = openTerminal(args, { env: { ...env, NO_COLOR: '1' } })
    await plain.end()
    assert.ok(!plain.output().includes('\x1b['))
    const forced = await runAduana(args, { env: { ...env, FORCE_COLOR: '1' } })
    assert.ok(forced.stdout.startsWith('\x1b[1mUPDATE'))
  })

  test('nothing is said to a reader that has enough', async () => {
    await using terminal = openTerminalWith([
      'bash',
      '-c',
      `set -o pipefail; ${process.execPath} ${PROGRAM} list --server ${server.httpUrl} --data ${server.folder} | true`,
    ])
    assert.equal((await terminal.end()).status, 0)
    assert.equal(terminal.output(), '')
  })

  test('delete asks on a terminal and says what goes with it; elsewhere it wants --yes; parts in use stay', async () => {
    const refused = await aduana('delete', 'Contoso/Toaster/2.0')
    assert.equal(refused.status, 1)
    assert.match(refused.stderr, /add --yes/)
    const inUse = await aduana('delete', 'Contoso/Part/1.0', '--yes')
    assert.equal(inUse.status, 1)
    assert.match(inUse.stderr, /Contoso\/Part\/1\.0 is part of Contoso\/Toaster\/2\.0.*Nothing was deleted/)

    const args = [
      'delete',
      'Contoso/Toaster/2.0',
      'Contoso/Part/1.0',
      '--server',
      server.httpUrl,
      '--data',
      server.folder,
    ]
    await using no = openTerminal(args, { env })
    await no.until(
      /Contoso\/Toaster\/2\.0[\s\S]*with Contoso\/Part\/1\.0, which no other update needs[\s\S]*Delete it for good/,
    )
    no.type('n\r')
    assert.equal((await no.end()).status, 1)
    assert.equal(linesOf((await aduana('list', '--json')).stdout).length, 3)

    await using yes = openTerminal(args, { env })
    await yes.until(/Delete it for good/)
    yes.type('y\r')
    assert.equal((await yes.end()).status, 0)
    await yes.until(/Contoso\/Toaster\/2\.0 deleted\r\nContoso\/Part\/1\.0 deleted with it/)
    const rest = await aduana('delete', 'Contoso/Toaster/1.0', '--yes', '--json')
    assert.equal(rest.status, 0)
    assert.deepEqual([JSON.parse(rest.stdout).kind, JSON.parse(rest.stdout).status], ['delete', 'Succeeded'])
    assert.equal((await aduana('list', '--json')).stdout, '')
  })

  test('without a token or a data folder the way to sign in is told; nobody listening is told, too', async () => {
    const stranger = await runAduana(['list', '--server', server.httpUrl], { env, cwd: folder })
    assert.equal(stranger.status, 1)
    assert.match(stranger.stderr, /Nobody is signed in at .*aduana login --server/)
    const refused = await runAduana(['list', '--server', server.httpUrl], {
      env: { ...env, ADUANA_TOKEN: 'x' },
      cwd: folder,
    })
    assert.match(refused.stderr, /Sign in with "aduana login"/)
    const nobody = await runAduana(['list', '--server', 'http://127.0.0.1:9', '--data', server.folder], { env })
    assert.match(nobody.stderr, /No Aduana answers at http:\/\/127\.0\.0\.1:9 /)
  })

  test('https with the CA of the server', async () => {
    const ca = join(server.folder, 'tls', 'ca.pem')
    const args = [
      'download',
      '--server',
      server.httpsUrl,
      '--data',
      server.folder,
      '--ca',
      ca,
      '--to',
      join(folder, 'tls'),
    ]
    const client = await server.client()
    const { input, updateId } = publishUpdate(source)
    await importAndWait(client, [input])
    const done = await runAduana([...args, `${updateId.provider}/${updateId.name}/1.0`], { env })
    assert.equal(done.status, 0, done.stderr)
    assert.deepEqual(readdirSync(join(folder, 'tls')), ['toaster.swu'])
  })
})

describe('a server that lies', () => {
  interface Lie {
    fileName: string
    bytes: Buffer
    sizeInBytes?: number
    sha256?: string
    scan?: { scanResult: string; scanDetails?: string }
  }

  /** Serves one update with one file, and its bytes as `serve` has it. */
  async function startLiar(
    { fileName, bytes, sizeInBytes = bytes.length, sha256 = sha256Of(bytes), scan }: Lie,
    serve?: RequestListener,
  ) {
    const requests: (string | undefined)[] = []
    const server = createServer((request, response) => {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      if (!request.url?.startsWith('/aduana/')) {
        requests.push(request.headers.range)
        if (serve !== undefined) serve(request, response)
        else response.end(bytes)
        return
      }
      const file = { fileId: 'f1', fileName, sizeInBytes, hashes: { sha256 }, contentUrl: `${url}/content/x`, ...scan }
      response.end(
        JSON.stringify({ updateId: { provider: 'a', name: 'b', version: '1.0' }, compatibility: [], files: [file] }),
      )
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    return {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      requests,
      async [Symbol.asyncDispose]() {
        server.close()
        server.closeAllConnections()
        await once(server, 'close')
      },
    }
  }
  const download = (url: string, to: string) =>
    runAduana(['download', 'a/b/1.0', '--server', url, '--to', to], { env: { ...env, ADUANA_TOKEN: 'x' }, cwd: folder })

  test('its file names lead nowhere else, and move no cursor', async () => {
    const names = ['../../evil', '/tmp/evil', '..', 'a\\..\\evil', 'evil\u001b[2J']
    await Promise.all(
      names.map(async (fileName) => {
        await using liar = await startLiar({ fileName, bytes: Buffer.from('evil') })
        const to = mkdtempSync(join(folder, 'lied-'))
        const { status, stderr } = await download(liar.url, to)
        assert.equal(status, 1, fileName)
        assert.match(stderr, /Nothing was downloaded/)
        assert.doesNotMatch(stderr.trimEnd(), /(?!\n)\p{Cc}/u)
        assert.deepEqual([readdirSync(to), liar.requests], [[], []], fileName)
      }),
    )
  })

  test('what is infected is not even asked for', async () => {
    const scan = { scanResult: 'Infected', scanDetails: 'Eicar' }
    await using honest = await startLiar({ fileName: 'f', bytes: Buffer.from('evil'), scan })
    const to = mkdtempSync(join(folder, 'infected-'))
    assert.match(
      (await download(honest.url, to)).stderr,
      /"f" is infected \(Eicar\), and the server gives it to nobody/,
    )
    assert.deepEqual([readdirSync(to), honest.requests], [[], []])
  })

  test('bytes with another hash, or too many of them, are not kept', async () => {
    const bytes = Buffer.from('good')
    await using wrong = await startLiar({ fileName: 'f', bytes }, (_request, response) => response.end('evil'))
    await using endless = await startLiar({ fileName: 'f', bytes }, (_request, response) => {
      for (let i = 0; i < 100; i += 1) response.write('good')
      response.end()
    })
    const to = mkdtempSync(join(folder, 'wrong-'))
    const { status, stderr } = await download(wrong.url, to)
    assert.equal(status, 1)
    assert.match(stderr, /f is not what the catalogue says: its SHA-256 must be \S+, but is \S+\. It was not kept/)
    assert.deepEqual(readdirSync(to), [])
    assert.match((await download(endless.url, to)).stderr, /sends more than the 4 bytes/)
    assert.ok(!existsSync(join(to, 'f')))
  })

  test('a download that breaks off goes on where it was, in the same run and in the next', async () => {
    const bytes = Buffer.alloc(200_000, 'resumable ')
    let isBroken = true
    let answers = 0
    await using flaky = await startLiar({ fileName: 'f', bytes }, (request, response) => {
      const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
      response.writeHead(start > 0 ? 206 : 200, {
        'content-length': bytes.length - start,
        ...(start > 0 && { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` }),
      })
      answers += 1
      if (!isBroken && answers > 2) return void response.end(bytes.subarray(start))
      // Some bytes for the first two, and then none any more.
      response.write(bytes.subarray(start, start + (answers <= 2 ? 50_000 : 0)), () => response.destroy())
    })
    const to = mkdtempSync(join(folder, 'resumed-'))
    const first = await download(flaky.url, to)
    assert.equal(first.status, 1)
    // As much of it as came before the connection was gone.
    const said = /(\d+) of 200000 bytes are kept; the same command goes on from there/.exec(first.stderr)
    const kept = Number(said?.[1])
    assert.ok(kept > 0 && kept <= 100_000, first.stderr)
    isBroken = false
    const before = flaky.requests.length
    const second = await download(flaky.url, to)
    assert.equal(second.status, 0, second.stderr)
    assert.deepEqual(flaky.requests.slice(before), [`bytes=${kept}-`])
    assert.deepEqual(readdirSync(to), ['f'])
    assert.ok(bytes.equals(readFileSync(join(to, 'f'))))
  })

  test('what was kept and is no good any more is fetched anew', async () => {
    const bytes = Buffer.alloc(1000, 'a')
    await using honest = await startLiar({ fileName: 'f', bytes })
    const to = mkdtempSync(join(folder, 'stale-'))
    const hex = createHash('sha256').update(bytes).digest('hex')
    writeFileSync(join(to, `.aduana-${hex}.part`), 'something else')
    assert.equal((await download(honest.url, to)).status, 0)
    assert.ok(bytes.equals(readFileSync(join(to, 'f'))))
  })
})
