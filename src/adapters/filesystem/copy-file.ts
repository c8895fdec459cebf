import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'

const LINE_END = 0x0a

/**
 * Copies a file to one that is not there yet, and flushes it; its folder is left to the caller. Of a log that grows meanwhile only
 * `wholeLines` are taken. Answers what was written, with its SHA-256 in hex; undefined if there is no file to copy.
 */
export async function copyFile({
  from,
  to,
  mode,
  wholeLines = false,
}: {
  from: string
  to: string
  /** Permission bits, before the umask. */
  mode: number
  wholeLines?: boolean
}): Promise<{ sizeInBytes: number; sha256: string } | undefined> {
  await using source = await open(from).catch((error) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (source === undefined) return undefined
  await using target = await open(to, 'wx', mode)
  const hash = createHash('sha256')
  let sizeInBytes = 0
  const chunks: AsyncIterable<Buffer> = source.createReadStream({ autoClose: false })
  for await (const chunk of wholeLines ? linesOf(chunks) : chunks) {
    hash.update(chunk)
    sizeInBytes += chunk.length
    await target.appendFile(chunk)
  }
  await target.sync()
  return { sizeInBytes, sha256: hash.digest('hex') }
}

/** Flushes a file that something else has written, and answers what it is. */
export async function sealFile(path: string): Promise<{ sizeInBytes: number; sha256: string }> {
  await using handle = await open(path, 'r+')
  await handle.sync()
  return await digestFile(path)
}

/** The size of a file and its SHA-256 in hex. */
export async function digestFile(path: string): Promise<{ sizeInBytes: number; sha256: string }> {
  const hash = createHash('sha256')
  let sizeInBytes = 0
  for await (const chunk of createReadStream(path)) {
    hash.update(chunk)
    sizeInBytes += chunk.length
  }
  return { sizeInBytes, sha256: hash.digest('hex') }
}

/** Holds back what has no line end yet. */
async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  let begun = Buffer.alloc(0)
  for await (const chunk of chunks) {
    const end = chunk.lastIndexOf(LINE_END) + 1
    if (end > 0) yield Buffer.concat([begun, chunk.subarray(0, end)])
    begun = Buffer.concat([end > 0 ? Buffer.alloc(0) : begun, chunk.subarray(end)])
  }
}
