import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApiClient } from '../../src/client/api-client.ts'
import { type MisbehavingSource, serveBytes } from '../support/misbehaving-source.ts'
import { eventually, operationEnd } from '../support/operation-end.ts'
import { paced } from '../support/paced.ts'
import { publishUpdate } from '../support/publish-update.ts'
import { seededBytes } from '../support/seeded-bytes.ts'
import { askToken, spawnAduana } from '../support/spawn-aduana.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'
import { checkData } from './check-data.ts'
import { innermostOf } from './innermost-of.ts'

const FLAGS = ['--allow-source', '127.0.0.0/8', '--source-limit', 'pause=5ms', '--grace', '100ms']
/** How long the source takes to send a whole file. */
export const BODY_MS = 1500

/** Three blocks, and one that is not full. */
const ON_ITS_WAY_BYTES = 4 * 1024 * 1024

export interface Interruption {
  title: string
  sizeInBytes: number
  /** Where the server ends, as parts of the file, one after another. */
  at: readonly number[]
  signal?: NodeJS.Signals
  /** Done each time while no server runs. `path` is that of the file at the source. */
  meanwhile?: (run: { folder: string; source: MisbehavingSource; bytes: Uint8Array; path: string }) => Promise<void>
  /** What the source may send in all, as a multiple of the file; 1.3 unless told. */
  sentMax?: number
  /** `Succeeded` unless told, or the innermost code of the error. */
  end?: 'Succeeded' | 'HashMismatch'
}

/**
 * Imports a large file by a real server that ends on the way and is started again, and checks how the import ends, every byte of it, and
 * how many bytes the source had to send.
 */
export async function importInterrupted(
  source: MisbehavingSource,
  { title, sizeInBytes, at, signal = 'SIGKILL', meanwhile, sentMax = 1.3, end = 'Succeeded' }: Interruption,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'aduana-resume-'))
  await using proxy = await startTcpProxy({ targetPort: source.port })
  const bytes = seededBytes(title, sizeInBytes)
  const update = publishUpdate(source, {
    files: [{ name: 'large.bin', bytes, behaviour: paced(serveBytes(bytes), { bodyMs: BODY_MS }) }],
  })
  const path = update.paths.get('large.bin')!
  for (const file of update.input.files ?? []) file.url = file.url.replace(`:${source.port}`, `:${proxy.port}`)

  // Not a byte more is sent, however long this machine takes to end the server.
  const parts = at.values()
  const holdAtNext = () => {
    proxy.answersUpTo = (parts.next().value ?? Number.POSITIVE_INFINITY) * sizeInBytes
  }
  holdAtNext()

  let lostBytes = 0
  let aduana = spawnAduana({ folder, flags: FLAGS })
  try {
    let url = (await aduana.ready)?.httpUrl
    const token = await askToken({ folder })
    const client = () => createApiClient({ baseUrl: url ?? '', token, instance: 'default', dialect: '2022' })
    const { operationId } = await client().importUpdate([update.input])
    for (const part of at) {
      await eventually(`${part} of it was sent`, () => proxy.bytesToClients() >= part * sizeInBytes, 20_000)
      // What is lost is what was on its way, not what a busy machine had no time for.
      await eventually(
        'what was sent has come',
        async () => (await keptBytes(folder)) >= proxy.bytesToClients() - lostBytes - ON_ITS_WAY_BYTES,
        20_000,
      )
      aduana.process.kill(signal)
      await aduana.exited
      // Each end loses some, which the next one cannot wait for.
      lostBytes = proxy.bytesToClients() - (await keptBytes(folder))
      holdAtNext()
      await meanwhile?.({ folder, source, bytes, path })
      aduana = spawnAduana({ folder, flags: FLAGS })
      url = (await aduana.ready)?.httpUrl
    }
    const operation = await operationEnd(client(), operationId, 30_000)
    assert.equal(operation.status === 'Succeeded' ? 'Succeeded' : innermostOf(operation).code, end)
    const sent = proxy.bytesToClients()
    assert.ok(sent <= sentMax * sizeInBytes, `${sent} bytes were sent for a file of ${sizeInBytes}`)
    if (end === 'Succeeded') {
      const { files } = await client().getUpdateWithContent(update.updateId)
      const content = Buffer.from(await (await fetch(files[0]?.contentUrl ?? '')).arrayBuffer())
      assert.ok(content.equals(bytes), 'every byte is right')
    }
    assert.deepEqual(await readdir(join(folder, 'blobs/partial')), [])
    assert.deepEqual(await checkData({ folder }), [])
  } finally {
    aduana.process.kill('SIGKILL')
    await aduana.exited
    await rm(folder, { recursive: true })
  }
}

async function keptBytes(folder: string): Promise<number> {
  const partials = join(folder, 'blobs/partial')
  const sizes = await Promise.all(
    (await readdir(partials)).map(async (name) => (await stat(join(partials, name))).size),
  )
  return Math.max(0, ...sizes)
}
