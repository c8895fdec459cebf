// What one client can hold up: slow, silent and numerous ones against the real program.
import assert from 'node:assert/strict'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { get as getHttp, type IncomingMessage } from 'node:http'
import { get as getHttps } from 'node:https'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { ask } from '../support/ask.ts'
import { freePort } from '../support/free-port.ts'
import { type MisbehavingSource, startSource } from '../support/misbehaving-source.ts'
import { eventually } from '../support/operation-end.ts'
import { publishUpdate } from '../support/publish-update.ts'
import { type Aduana, startAduana } from '../support/start-aduana.ts'

const API = '?api-version=2022-10-01'
/** More than all the buffers between two processes hold. */
const PAYLOAD_BYTES = 96 * 1024 * 1024

/** Short, so that the tests are; Node looks for the late ones every half of `headers`. */
const HEADERS_MS = 600
const REQUEST_MS = 1500
const SILENCE_MS = 1000
const TIMES = [`headers=${HEADERS_MS}ms`, `request=${REQUEST_MS}ms`, `silence=${SILENCE_MS}ms`]

const SCHEMES = ['http', 'https'] as const

/** What a busy machine may add to any time. */
const SLACK_MS = 3000

interface Client {
  socket: Socket
  /** How long it was open, and what the server said in it. */
  end: Promise<{ ms: number; text: string }>
}

interface Served {
  aduana: Aduana
  metricsUrl: string
  ca: Buffer
}

async function serve(limits: readonly string[]): Promise<Served> {
  const port = await freePort()
  const flags = limits.flatMap((limit) => ['--client-limit', limit])
  const aduana = await startAduana({
    flags: ['--allow-source', '127.0.0.0/8', '--metrics', `127.0.0.1:${port}`, ...flags],
    // A test looks which of its files the server has open.
    inFolder: true,
  })
  const ca = await readFile(join(aduana.folder, 'tls', 'ca.pem'))
  return { aduana, metricsUrl: `http://127.0.0.1:${port}`, ca }
}

function open({ aduana, ca }: Served, scheme: (typeof SCHEMES)[number] | 'raw', text = ''): Client {
  const began = performance.now()
  const port = Number(new URL(scheme === 'http' ? aduana.httpUrl : aduana.httpsUrl).port)
  const socket = scheme === 'https' ? connectTls({ host: '127.0.0.1', port, ca }) : connect({ host: '127.0.0.1', port })
  let said = ''
  socket.on('data', (chunk: Buffer) => {
    said += chunk.toString('latin1')
  })
  // Being cut off is what is waited for.
  socket.on('error', () => {})
  if (text !== '') socket.write(text)
  const end = new Promise<{ ms: number; text: string }>((resolve) => {
    socket.on('close', () => resolve({ ms: performance.now() - began, text: said }))
  })
  return { socket, end }
}

/** Sends a byte every 50 ms for as long as it may. */
async function drip({ socket, end }: Client, byte: string) {
  const timer = setInterval(() => socket.write(byte), 50)
  const ended = await end
  clearInterval(timer)
  return ended
}

/** How many connections the listeners have that clients use, as the server counts them. */
async function connectionsOpen({ metricsUrl }: Served): Promise<number> {
  const { text } = await ask(metricsUrl, '/metrics')
  const counts = text.matchAll(/^aduana_http_connections\{listener="https?"\} (\d+)$/gm)
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0)
}

/** How many files of the store the server has open. */
async function filesOpen({ aduana }: Served): Promise<number> {
  const folder = `/proc/${aduana.process.pid}/fd`
  const links = await Promise.all((await readdir(folder)).map((fd) => readlink(join(folder, fd)).catch(() => '')))
  return links.filter((link) => link.startsWith(join(aduana.folder, 'blobs'))).length
}

describe('a server with times for clients', () => {
  let served: Served
  let source: MisbehavingSource
  let headers: { authorization: string }
  let contentPath: string

  before(async () => {
    source = await startSource()
    served = await serve(TIMES)
    const { aduana } = served
    headers = { authorization: `Bearer ${await aduana.token()}` }
    contentPath = await importLarge(aduana)
  })
  after(async () => {
    await served?.aduana[Symbol.asyncDispose]()
    await source?.[Symbol.asyncDispose]()
  })

  /** Answers the path of its content. Every request has a connection of its own, so that none is left open. */
  async function importLarge({ httpUrl }: Aduana): Promise<string> {
    const { input, updateId } = publishUpdate(source, {
      files: [{ name: 'large.bin', bytes: Buffer.alloc(PAYLOAD_BYTES) }],
    })
    const accepted = await ask(httpUrl, `/deviceUpdate/default/updates:import${API}`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify([input]),
    })
    const operation = String(accepted.headers['operation-location'])
    await eventually('it is imported', async () => {
      return (await ask(httpUrl, operation, { headers })).json().status === 'Succeeded'
    })
    const { provider, name, version } = updateId
    const path = `/aduana/v1/default/updates/providers/${provider}/names/${name}/versions/${version}`
    const update = (await ask(httpUrl, path, { headers })).json<{ files: { contentUrl: string }[] }>()
    return new URL(update.files[0]?.contentUrl ?? '').pathname
  }

  test('headers of more than 16 KiB are refused', async () => {
    const { text } = await open(served, 'http', `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(17_000)}\r\n\r\n`)
      .end
    assert.match(text, /^HTTP\/1\.1 431 /)
    const accepted = open(
      served,
      'http',
      `GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(15_000)}\r\nConnection: close\r\n\r\n`,
    )
    assert.match((await accepted.end).text, /^HTTP\/1\.1 200 /)
  })

  test('headers that drip in, or never come, end with the connection, and so does a TLS handshake', async () => {
    const half = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: '
    const ends = await Promise.all([
      drip(open(served, 'http', half), 'x'),
      drip(open(served, 'https', half), 'x'),
      open(served, 'http').end,
      open(served, 'https').end,
      open(served, 'raw').end,
    ])
    for (const [index, { ms, text }] of ends.entries()) {
      assert.ok(ms > HEADERS_MS * 0.9 && ms < HEADERS_MS * 1.5 + SLACK_MS, `${index} after ${ms} ms`)
      assert.match(text, /^(HTTP\/1\.1 408 .*)?/)
    }
  })

  test('a body that drips in, or stops, ends with the connection', async () => {
    const request = `POST /deviceUpdate/default/updates:import${API} HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${headers.authorization}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n[`
    const ends = await Promise.all([
      drip(open(served, 'http', request), ' '),
      drip(open(served, 'https', request), ' '),
      open(served, 'http', request).end,
    ])
    for (const [index, { ms }] of ends.entries()) {
      assert.ok(ms > SILENCE_MS * 0.9 && ms < REQUEST_MS + HEADERS_MS + SLACK_MS, `${index} after ${ms} ms`)
    }
    // The bytes of the first two never stopped coming.
    for (const { ms } of ends.slice(0, 2)) assert.ok(ms > REQUEST_MS * 0.9, `after ${ms} ms`)
  })

  test('who asks for content and takes nothing of it holds neither a connection nor a file', async () => {
    const request = `GET ${contentPath} HTTP/1.1\r\nHost: localhost\r\n\r\n`
    const sockets = SCHEMES.map((scheme) => open(served, scheme, request).socket.pause())
    await eventually('the file is open', async () => (await filesOpen(served)) === 2)
    const began = performance.now()
    await eventually('the file is closed', async () => (await filesOpen(served)) === 0, 2 * SILENCE_MS + SLACK_MS)
    const ms = performance.now() - began
    assert.ok(ms > SILENCE_MS * 0.8, `after ${ms} ms`)
    await eventually('the connections are closed', async () => (await connectionsOpen(served)) === 0)
    for (const socket of sockets) socket.destroy()
  })

  test('who takes content slowly gets all of it, however long it takes', async () => {
    const began = performance.now()
    const bytesPerMs = PAYLOAD_BYTES / (4 * SILENCE_MS)
    let filesOpenLate = 0
    const downloads = SCHEMES.map(async (scheme) => {
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        const { httpUrl, httpsUrl } = served.aduana
        const asking =
          scheme === 'http'
            ? getHttp(httpUrl + contentPath, { agent: false })
            : getHttps(httpsUrl + contentPath, { agent: false, ca: served.ca })
        asking.on('response', resolve).on('error', reject)
      })
      let bytes = 0
      for await (const chunk of response) {
        bytes += chunk.length
        const early = bytes / bytesPerMs - (performance.now() - began)
        if (early > 20) await delay(early)
      }
      assert.equal(bytes, PAYLOAD_BYTES, scheme)
      assert.ok(performance.now() - began > 3 * SILENCE_MS, scheme)
    })
    // Without this, all of it might lie in buffers from the beginning.
    const looking = delay(2.2 * SILENCE_MS).then(async () => {
      filesOpenLate = await filesOpen(served)
    })
    await Promise.all([...downloads, looking])
    assert.equal(filesOpenLate, 2)
  })

  test('a search of more words than there can be is refused', async () => {
    const search = (length: number) =>
      ask(served.aduana.httpUrl, `/deviceUpdate/default/updates${API}&search=${'a'.repeat(length)}`, {
        headers,
      })
    assert.equal((await search(512)).status, 200)
    const { status, json } = await search(513)
    assert.equal(status, 400)
    assert.equal(json<{ error: { target: string } }>().error.target, 'search')
  })
})

describe('a server with a limit of connections', () => {
  const CONNECTIONS = 10
  let served: Served
  before(async () => {
    served = await serve([`connections=${CONNECTIONS}`])
  })
  after(() => served?.aduana[Symbol.asyncDispose]())

  test('a full listener turns away who comes next, but not those who are in, nor who asks the other listeners', async () => {
    const holders = Array.from({ length: CONNECTIONS }, () => open(served, 'http', 'GET /healthz HTTP/1.1\r\n'))
    await eventually('the listener is full', async () => (await connectionsOpen(served)) === CONNECTIONS)
    const { text } = await open(served, 'http', 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n').end
    assert.equal(text, '')

    for (const path of ['/healthz', '/readyz', '/metrics'])
      assert.equal((await ask(served.metricsUrl, path)).status, 200)
    assert.match(
      (await ask(served.metricsUrl, '/metrics')).text,
      /^aduana_http_connections_refused_total\{listener="http"\} [1-9]/m,
    )
    const overTls = open(served, 'https', 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    assert.match((await overTls.end).text, /^HTTP\/1\.1 200 /)

    for (const { socket } of holders) socket.write('Host: localhost\r\nConnection: close\r\n\r\n')
    for (const { end } of holders) assert.match((await end).text, /^HTTP\/1\.1 200 /)
    assert.equal((await ask(served.aduana.httpUrl, '/healthz')).status, 200)
  })

  test('connections that are only kept for later make room', async () => {
    const idle = Array.from({ length: CONNECTIONS }, () =>
      open(served, 'http', 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'),
    )
    await Promise.all(idle.map(({ socket }) => new Promise((resolve) => socket.once('data', resolve))))
    await eventually('the listener has room', async () => {
      const { text } = await open(
        served,
        'http',
        'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
      ).end
      return text.startsWith('HTTP/1.1 200')
    })
    await Promise.all(idle.map(({ end }) => end))
  })
})
