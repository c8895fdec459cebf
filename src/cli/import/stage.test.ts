import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { ApiError } from '../../client/api-error.ts'
import type { Connection } from '../connect.ts'
import { CommandError } from '../report.ts'
import { openRemembered } from './remembered.ts'
import { stage } from './stage.ts'

const folder = mkdtempSync(join(tmpdir(), 'aduana-stage-'))
after(() => rmSync(folder, { recursive: true }))
const bytes = Buffer.alloc(100_000, 'staged')
const path = join(folder, 'toaster.swu')
writeFileSync(path, bytes)
const source = {
  fileName: 'toaster.swu',
  sizeInBytes: bytes.length,
  sha256: createHash('sha256').update(bytes).digest('base64'),
  from: { path },
}

/** A server that answers as told, and remembers what it was asked with which token. */
async function startServer(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.authorization ?? 'no token'}`)
    request.resume().on('end', () => answer(request, response))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

function stageAt(
  server: string,
  { remembered = openRemembered(mkdtempSync(join(folder, 'state-'))), token = async () => 'secret' } = {},
) {
  const connection = { server, instance: 'default', token, ca: undefined } as unknown as Connection
  return stage(source, { connection, remembered, signal: new AbortController().signal, onProgress() {} })
}

const tus = (response: ServerResponse, status: number, headers: Record<string, string>) =>
  response.writeHead(status, { 'tus-resumable': '1.0.0', ...headers }).end()

test('neither bytes nor token follow an address at another server', async () => {
  await using other = await startServer((_request, response) => tus(response, 204, { 'upload-offset': '0' }))
  await using server = await startServer((_request, response) =>
    tus(response, 201, { location: `${other.url}/aduana/v1/default/staging/x` }),
  )
  await assert.rejects(stageAt(server.url), (error) => {
    assert.ok(error instanceof CommandError)
    assert.match(error.message, /sends uploads to another server/)
    return true
  })
  assert.deepEqual(other.asked, [])
})

test('an upload that the server has whole is not sent again, and one that it has forgotten is begun anew', async () => {
  let isForgotten = false
  await using server = await startServer((request, response) => {
    if (request.method === 'HEAD') {
      if (isForgotten) return void tus(response, 404, {})
      return void tus(response, 200, { 'upload-offset': `${bytes.length}`, 'upload-length': `${bytes.length}` })
    }
    if (request.method === 'POST')
      return void tus(response, 201, { location: `/aduana/v1/default/staging/${isForgotten ? 'new' : 'old'}` })
    tus(response, 204, { 'upload-offset': `${bytes.length}` })
  })
  const remembered = openRemembered(mkdtempSync(join(folder, 'state-')))
  assert.equal(await stageAt(server.url, { remembered }), 'staging:old')
  assert.equal(await stageAt(server.url, { remembered }), 'staging:old')
  isForgotten = true
  assert.equal(await stageAt(server.url, { remembered }), 'staging:new')
  assert.deepEqual(
    server.asked.map((line) => line.split(' ').slice(0, 2).join(' ').replace('/aduana/v1/default', '')),
    [
      'POST /staging',
      'PATCH /staging/old',
      'HEAD /staging/old',
      'HEAD /staging/old',
      'POST /staging',
      'PATCH /staging/new',
    ],
  )
  assert.ok(server.asked.every((line) => line.endsWith(' Bearer secret')))
})

test('a refusal is told with its code at once; an ended sign-in too', async () => {
  const error = { code: 'StagingFull', message: 'There is no room.' }
  await using server = await startServer((_request, response) =>
    response.writeHead(413, { 'content-type': 'application/json' }).end(JSON.stringify({ error })),
  )
  await assert.rejects(stageAt(server.url), (thrown) => {
    assert.ok(thrown instanceof ApiError)
    assert.deepEqual([thrown.status, thrown.code], [413, 'StagingFull'])
    assert.match(thrown.message, /toaster\.swu could not be uploaded: There is no room\./)
    return true
  })
  assert.equal(server.asked.length, 1)
  const token = async () => {
    throw new CommandError('The sign-in has ended.')
  }
  await assert.rejects(stageAt(server.url, { token }), /The sign-in has ended/)
  assert.equal(server.asked.length, 1)
})
