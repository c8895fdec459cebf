// `aduana import` with a file as large as firmware is: interrupted by its user, and by the death of the server in the middle of an upload.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { formatUpdateId } from '../../src/domain/update-id.ts'
import { freePort } from '../support/free-port.ts'
import { runAduana } from '../support/run-aduana.ts'
import { seededBytes } from '../support/seeded-bytes.ts'
import { type Aduana, startAduana } from '../support/start-aduana.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'
import { KEYS, NO_TERMINAL, openTerminal, type Terminal } from '../support/terminal.ts'
import { writeUpdate } from '../support/write-update.ts'

const MIB = 1024 * 1024
const sizeInBytes = 400 * MIB

const folder = mkdtempSync(join(tmpdir(), 'aduana-cli-large-'))
after(() => rmSync(folder, { recursive: true }))
const env = { XDG_STATE_HOME: join(folder, 'state') }

let server: Aduana
before(async () => {
  const port = await freePort()
  server = await startAduana({ flags: ['--http', `127.0.0.1:${port}`], inFolder: true })
})
after(() => server?.[Symbol.asyncDispose]())

/** Begins an import through a proxy, and answers when a good part of its file has passed it. */
async function begin(seed: string) {
  const files = [{ name: 'firmware.bin', bytes: seededBytes(seed, sizeInBytes) }]
  const { path, updateId } = writeUpdate(join(folder, seed), { files })
  const proxy = await startTcpProxy({ targetPort: Number(new URL(server.httpUrl).port) })
  const args = ['import', path, '--server', `http://127.0.0.1:${proxy.port}`, '--data', server.folder]
  const terminal: Terminal = openTerminal(args, { env, columns: 100 })
  for (const deadline = Date.now() + 120_000; proxy.bytesToServer() < 100 * MIB; await sleep(5))
    assert.ok(Date.now() < deadline, terminal.output().slice(-2000))
  return {
    updateId,
    args,
    proxy,
    terminal,
    async [Symbol.asyncDispose]() {
      await terminal[Symbol.asyncDispose]()
      await proxy[Symbol.asyncDispose]()
    },
  }
}

test('Ctrl-C in an upload of 400 MiB costs none of what the server has', { skip: NO_TERMINAL }, async () => {
  await using first = await begin('interrupted')
  first.terminal.type(KEYS.ctrlC)
  const { status, screen } = await first.terminal.end()
  assert.equal(status, 3, screen.slice(-1000))
  const second = await runAduana(first.args, { env })
  assert.equal(second.status, 0, second.stderr)
  const again = first.proxy.bytesToServer() - sizeInBytes
  assert.ok(again < 64 * MIB, `${again} bytes were sent twice`)
})

test('an upload of 400 MiB survives the death of the server', { skip: NO_TERMINAL }, async () => {
  await using first = await begin('killed')
  await server.stop('SIGKILL')
  server = await server.restart()
  const { status, screen } = await first.terminal.end()
  assert.equal(status, 0, screen.slice(-1000))
  assert.match(screen, new RegExp(`${formatUpdateId(first.updateId)} imported`))
})
