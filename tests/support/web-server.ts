import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join, normalize } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from './free-port.ts'

/** A web server in front of a folder, as somebody would set it up for devices. */
export interface WebServer extends AsyncDisposable {
  /** What serves: `nginx`, or where it is not installed a few lines of our own. */
  title: string
  /** Such as `http://127.0.0.1:40123`. */
  origin: string
}

const NGINX = ['/usr/sbin', ...(process.env.PATH ?? '').split(delimiter)]
  .map((folder) => join(folder, 'nginx'))
  .find((path) => existsSync(path))

const START_TIMEOUT_MS = 10_000

export async function serveFolder(folder: string): Promise<WebServer> {
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  if (NGINX === undefined) return { title: 'a server of the tests', origin, ...(await serveHere(folder, port)) }
  return { title: 'nginx', origin, ...(await startNginx(NGINX, { folder, port })) }
}

async function startNginx(
  program: string,
  { folder, port }: { folder: string; port: number },
): Promise<AsyncDisposable> {
  const state = await mkdtemp(join(tmpdir(), 'aduana-nginx-'))
  await mkdir(folder, { recursive: true })
  // Its workers would give up root's rights, and with them the right to read what a test makes.
  const user = process.getuid?.() === 0 ? 'user root;' : ''
  const scratch = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${state}/${kind};`,
  )
  await writeFile(
    join(state, 'nginx.conf'),
    `${user} daemon off; worker_processes 1; pid ${state}/pid; error_log ${state}/errors warn;
     events { worker_connections 256; }
     http {
       access_log off; sendfile on; default_type application/octet-stream; ${scratch.join(' ')}
       server {
         listen 127.0.0.1:${port};
         root ${folder};
         location ~ /\\. { deny all; }
       }
     }`,
  )
  const child = spawn(program, ['-e', join(state, 'errors'), '-c', join(state, 'nginx.conf')], { stdio: 'ignore' })
  // It is a master with a worker: only when asked does it take the worker along.
  const end = () => child.kill('SIGTERM')
  process.once('exit', end)
  const exited = once(child, 'exit')
  await listening(port).catch(async (cause) => {
    end()
    throw new Error(`nginx does not listen: ${await readFile(join(state, 'errors'), 'utf8')}`, { cause })
  })
  return {
    async [Symbol.asyncDispose]() {
      process.removeListener('exit', end)
      end()
      await exited
      await rm(state, { recursive: true, force: true })
    },
  }
}

async function serveHere(folder: string, port: number): Promise<AsyncDisposable> {
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://here').pathname))
    if (path.includes('/.')) return void response.writeHead(403).end()
    readFile(join(folder, path)).then(
      (bytes) => response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(bytes),
      () => response.writeHead(404).end(),
    )
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

async function listening(port: number): Promise<void> {
  for (const deadline = Date.now() + START_TIMEOUT_MS; ; await sleep(10)) {
    const socket = connect(port, '127.0.0.1')
    try {
      await once(socket, 'connect')
      return
    } catch (error) {
      if (Date.now() > deadline) throw error
    } finally {
      socket.destroy()
    }
  }
}
