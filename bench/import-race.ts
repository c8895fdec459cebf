import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Aduana } from '../tests/support/start-aduana.ts'
import { swept } from './aduana.ts'
import { settleDisk, shell } from './child.ts'
import { processorMsOf } from './machine.ts'
import { timeMs } from './measure.ts'
import type { FileServer } from './peers.ts'
import { importUpdate, publish } from './publish.ts'
import type { SourceFile } from './source-bytes.ts'

/** What something took, by the clock and of the processor, without that of the server that the bytes come from. */
export interface Cost {
  ms: number
  processorMs: number
}

/** One file that is imported again and again, against whatever else can be done with its bytes. */
export interface ImportRace {
  /** From the request to `Succeeded`. The update is deleted afterwards, and its bytes are gone. */
  import(): Promise<Cost>
  /** Fetch, keep, hash and flush, with the tools that everybody has. */
  shellPipeline(): Promise<Cost>
  fetchOnly(): Promise<Cost>
  hashOnly(): Promise<Cost>
}

/** `fileName` is how the file server calls the file. */
export async function prepareRace({
  aduana,
  server,
  file,
  fileName,
  folder,
}: {
  aduana: Aduana
  server: FileServer
  file: SourceFile
  fileName: string
  folder: string
}): Promise<ImportRace> {
  const client = await aduana.client()
  const updateId = { provider: 'Contoso', name: 'Toaster', version: '1.0' }
  const input = await publish({ ...server, updateId, files: [{ ...file, fileName }] })
  const out = join(folder, 'out.bin')
  const env = { URL: `${server.origin}/${fileName}`, OUT: out, FILE: file.path }

  async function costOfShell(line: string): Promise<Cost> {
    await settleDisk()
    let times = ''
    const ms = await timeMs(async () => {
      times = await shell(`${line}; times`, env)
    })
    await rm(out, { force: true })
    return { ms, processorMs: readTimes(times) }
  }
  const pid = aduana.process.pid ?? 0
  return {
    async import() {
      await settleDisk()
      const before = await processorMsOf(pid)
      const ms = await timeMs(() => importUpdate(client, input))
      const processorMs = (await processorMsOf(pid)) - before
      const { operationId } = await client.deleteUpdate(updateId)
      await client.waitForOperation(operationId)
      await swept(aduana)
      return { ms, processorMs }
    },
    shellPipeline: () => costOfShell('curl -sSf "$URL" | tee "$OUT" | openssl dgst -sha256 > /dev/null; sync "$OUT"'),
    fetchOnly: () => costOfShell('curl -sSf -o "$OUT" "$URL"'),
    hashOnly: () => costOfShell('openssl dgst -sha256 "$FILE" > /dev/null'),
  }
}

/** Reads what the shell's `times` tells of all that it ran: user and system time, as in `0m1.250s 0m0.300s`. */
function readTimes(times: string): number {
  const ofChildren = times.split('\n').at(-1) ?? ''
  return [...ofChildren.matchAll(/(\d+)m([\d.]+)s/g)]
    .map(([, minutes, seconds]) => Number(minutes) * 60_000 + Number(seconds) * 1000)
    .reduce((sum, ms) => sum + ms, 0)
}
