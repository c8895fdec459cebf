import { once } from 'node:events'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { type Child, freePort, listening, startChild } from './child.ts'
import { findTool, toolPath } from './tools.ts'

/** Something that serves the files of one folder. */
export interface FileServer extends Child {
  origin: string
  /** What it serves; whoever writes here publishes. */
  root: string
}

/** nginx with sendfile on a port of its own, set up for nothing but speed. */
export async function startNginx(folder: string): Promise<FileServer> {
  const root = join(folder, 'www')
  const state = join(folder, 'nginx')
  await mkdir(root, { recursive: true })
  await mkdir(state, { recursive: true })
  const port = await freePort()
  const config = join(state, 'nginx.conf')
  // Its worker would give up root's rights, and with them the right to read the folder.
  const user = process.getuid?.() === 0 ? 'user root;' : ''
  const scratch = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${state}/${kind};`,
  )
  await writeFile(
    config,
    `${user} daemon off; worker_processes 1; pid ${state}/pid; error_log ${state}/errors warn;
     events { worker_connections 1024; }
     http {
       access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; ${scratch.join(' ')}
       server { listen 127.0.0.1:${port}; root ${root}; }
     }`,
  )
  const child = startChild(toolPath('nginx'), ['-e', join(state, 'errors'), '-c', config])
  await listening(port)
  return {
    ...child,
    origin: `http://127.0.0.1:${port}`,
    root,
    async [Symbol.asyncDispose]() {
      // It is a master with a worker: only when asked does it take the worker along.
      child.process.kill('SIGTERM')
      await new Promise((resolve) => child.process.once('exit', resolve))
      await child[Symbol.asyncDispose]()
    },
  }
}

/** Whatever serves files fast here: nginx, or where it is not installed a little server of our own. */
export async function startFileServer(folder: string): Promise<FileServer> {
  if (findTool('nginx') !== undefined) return await startNginx(folder)
  const root = join(folder, 'www')
  await mkdir(root, { recursive: true })
  const child = startChild(process.execPath, [join(import.meta.dirname, 'serve-files.ts'), root])
  const [origin] = (await once(createInterface(child.process.stdout as Readable), 'line')) as [string]
  return { ...child, origin, root }
}

/** Debian's docker-registry over the file system: it takes blobs by upload, checks their SHA-256 and flushes them. */
export interface Registry extends Child {
  origin: string
  /** Forgets everything that was uploaded. */
  clear(): Promise<void>
}

export async function startRegistry(folder: string): Promise<Registry> {
  const root = join(folder, 'registry')
  await mkdir(root, { recursive: true })
  const port = await freePort()
  const config = join(folder, 'registry.yml')
  await writeFile(
    config,
    `version: 0.1
log: {level: error, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: ${root}}, delete: {enabled: true}}
http: {addr: 127.0.0.1:${port}}
`,
  )
  const child = startChild(toolPath('docker-registry'), ['serve', config])
  child.process.stdout?.resume()
  await listening(port)
  return {
    ...child,
    origin: `http://127.0.0.1:${port}`,
    clear: () => rm(join(root, 'docker'), { recursive: true, force: true }),
  }
}
