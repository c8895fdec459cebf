import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { lockData } from '../../src/adapters/sqlite/data-lock.ts'
import { type MisbehavingSource, serveBytes, stall, startSource } from '../support/misbehaving-source.ts'
import { eventually, importAndWait, operationEnd } from '../support/operation-end.ts'
import { publishUpdate, requestsFor } from '../support/publish-update.ts'
import { type Aduana, startAduana } from '../support/start-aduana.ts'

const ROOT = new URL('../../', import.meta.url).pathname
const ALLOW = ['--allow-source', '127.0.0.0/8']
const BYTES = Buffer.alloc(300_000, 'slow')

let source: MisbehavingSource
before(async () => {
  source = await startSource()
})
after(() => source?.[Symbol.asyncDispose]())

// Side by side, since most of the time is waiting.
describe('a server that ends', { concurrency: true }, () => {
  test('has kept a second one from its data folder until then', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'aduana-e2e-'))
    const [one, other] = await Promise.allSettled([
      startAduana({ flags: ALLOW, folder }),
      startAduana({ flags: ALLOW, folder }),
    ])
    const [won, lost] = one.status === 'fulfilled' ? [one, other] : [other, one]
    assert.ok(won.status === 'fulfilled')
    await using server = won.value
    assert.ok(lost.status === 'rejected')
    assert.match(lost.reason.message, /ended with 1: .*Another server uses this data folder: .*lock\.db is locked/s)
    const { status } = await importAndWait(await server.client(), [publishUpdate(source).input])
    assert.equal(status, 'Succeeded', 'the first one is none the worse for it')
  })

  test('by SIGKILL in the middle of a download takes the import up again, without what it had', async () => {
    await using first = await startAduana({ flags: ALLOW })
    const { operationId, update, finish } = await importHalf(first)
    await first.stop('SIGKILL')
    finish()

    await using second = await first.restart()
    const client = await second.client()
    const { status, error } = await operationEnd(client, operationId)
    assert.equal(status, 'Succeeded', JSON.stringify(error))
    assert.equal(requestsFor(source, update.paths.get('done.bin')), 1)
    assert.equal(requestsFor(source, update.paths.get('slow.bin')), 2)
    const { files } = await client.getUpdateWithContent(update.updateId)
    for (const { fileName, contentUrl } of files) {
      const bytes = Buffer.from(await (await fetch(contentUrl)).arrayBuffer())
      assert.deepEqual(bytes, update.payloads.get(fileName))
    }
  })

  test('by SIGTERM parks what does not end within --grace, and finishes it after a restart', async () => {
    await using first = await startAduana({ flags: [...ALLOW, '--grace', '300ms'] })
    const { operationId, update, finish } = await importHalf(first)
    const startedAt = performance.now()
    assert.equal(await first.stop('SIGTERM'), 0)
    assert.ok(performance.now() - startedAt < 6000, 'it waits for the grace, not for the source')
    assert.match(first.log(), /operation parked/)
    finish()

    await using second = await first.restart()
    const { status, error } = await operationEnd(await second.client(), operationId)
    assert.equal(status, 'Succeeded', JSON.stringify(error))
    assert.equal(requestsFor(source, update.paths.get('done.bin')), 1)
  })

  test('by a second SIGTERM stops at once, as safely as killed, and finishes after a restart', async () => {
    await using first = await startAduana({ flags: [...ALLOW, '--grace', '60s'] })
    const { operationId, update, finish } = await importHalf(first)
    const exited = once(first.process, 'exit')
    first.process.kill('SIGTERM')
    await eventually('it stops', () => first.log().includes('stopping'))
    // Within a second it would be an echo of the first, as a terminal and npm send it.
    await sleep(1100)
    const startedAt = performance.now()
    first.process.kill('SIGTERM')
    assert.deepEqual(await exited, [1, null])
    assert.ok(performance.now() - startedAt < 2000, 'it does not wait for the grace')
    finish()

    await using second = await first.restart()
    const { status, error } = await operationEnd(await second.client(), operationId)
    assert.equal(status, 'Succeeded', JSON.stringify(error))
    assert.equal(requestsFor(source, update.paths.get('done.bin')), 1)
  })

  test('by SIGTERM lets an import go on that ends within --grace', async () => {
    await using first = await startAduana({ flags: ALLOW })
    const bytes = Buffer.from('comes after the signal')
    const { promise: stopping, resolve: sendNow } = Promise.withResolvers<void>()
    const { input, paths } = publishUpdate(source, {
      files: [
        {
          name: 'late.bin',
          bytes,
          behaviour: (request, response) => void stopping.then(() => serveBytes(bytes)(request, response)),
        },
      ],
    })
    const { operationId } = await (await first.client()).importUpdate([input])
    await eventually('the file is asked for', () => requestsFor(source, paths.get('late.bin')) === 1)
    const exited = once(first.process, 'exit')
    first.process.kill('SIGTERM')
    await eventually('it stops', () => first.log().includes('stopping'))
    sendNow()
    assert.deepEqual(await exited, [0, null])

    await using second = await first.restart()
    assert.equal((await (await second.client()).getOperation(operationId)).status, 'Succeeded')
    assert.equal(requestsFor(source, paths.get('late.bin')), 1)
  })

  test('by SIGTERM with nothing to do is gone at once, also if somebody never ends a request', async () => {
    await using aduana = await startAduana({ flags: ['--grace', '300ms'] })
    const socket = net.connect(Number(new URL(aduana.httpUrl).port), '127.0.0.1')
    socket.on('error', () => {}).write('GET /healthz HTTP/1.1\r\nHost: half a requ')
    await once(socket, 'connect')
    await aduana.client()
    const startedAt = performance.now()
    assert.equal(await aduana.stop('SIGTERM'), 0)
    assert.ok(performance.now() - startedAt < 6000)
    socket.destroy()
  })

  test('as a child of `npm start` ends with it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'aduana-npm-'))
    const flags = ['--data', folder, '--http', '127.0.0.1:0', '--https', '127.0.0.1:0', '--grace', '300ms']
    const npm = spawn('npm', ['start', '--', ...flags], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'ignore'],
      // A group of its own, so that nothing of it can survive this test.
      detached: true,
    })
    try {
      const exited = once(npm, 'exit')
      const httpUrl = await readyUrl(npm.stdout)
      assert.equal((await fetch(new URL('/readyz', httpUrl))).status, 200)
      npm.kill('SIGTERM')
      await exited
      await assert.rejects(fetch(new URL('/readyz', httpUrl)), TypeError)
      // The lock dies with the process that has it: nobody is left.
      const lock = await lockData(join(folder, 'lock.db'), 0)
      lock.release()
    } finally {
      endGroup(npm.pid)
      await rm(folder, { recursive: true, force: true })
    }
  })
})

/** Starts an import of which one file is in the store and the other one half way. `finish` mends the source. */
async function importHalf(aduana: Aduana) {
  const update = publishUpdate(source, {
    files: [
      { name: 'done.bin', bytes: Buffer.from('quick') },
      { name: 'slow.bin', bytes: BYTES, behaviour: stall(BYTES, { afterBytes: BYTES.length / 2 }) },
    ],
  })
  const token = await aduana.token()
  const { operationId } = await (await aduana.client()).importUpdate([update.input])
  await eventually('one file is done, the other half done', async () => {
    const response = await fetch(`${aduana.httpUrl}/aduana/v1/default/operations/${operationId}`, {
      headers: { authorization: `Bearer ${token}` },
    })
    const { files } = (await response.json()) as { files: { phase: string; bytesDone: number }[] }
    return files[0]?.phase === 'Done' && Number(files[1]?.bytesDone) > 0
  })
  const finish = () => source.at(update.paths.get('slow.bin') ?? '', serveBytes(BYTES))
  return { operationId, update, finish }
}

async function readyUrl(output: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface({ input: output })) {
    const [word, httpUrl] = line.split(' ')
    if (word === 'ready' && httpUrl !== undefined) return httpUrl
  }
  throw new Error('npm start ended before the server was ready')
}

function endGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL')
  } catch {
    // Nobody of the group is left, as it should be.
  }
}
