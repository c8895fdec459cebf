import { lstat, mkdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { type Connection, connect } from '../connect.ts'
import { hashFile } from '../hash-file.ts'
import { interruptible } from '../interruptible.ts'
import { print, printJson, tell } from '../output.ts'
import { CommandError } from '../report.ts'
import { openTransferView, type Transfer } from '../terminal/transfers.ts'
import { type AnyFile, everyFile } from './every-file.ts'
import { fetchFile } from './fetch-file.ts'
import { nameMistake } from './file-name.ts'
import { parseUpdateName } from './update-name.ts'

export interface DownloadOptions {
  to: string
  force?: boolean
  json?: boolean
}

/** `aduana download`: fetches files of an update, and keeps only what is what the catalogue says. */
export async function download(
  text: string,
  wanted: readonly string[],
  flags: Record<string, string | string[] | undefined>,
  { to, force = false, json = false }: DownloadOptions,
): Promise<void> {
  const updateId = parseUpdateName(text)
  const connection = await connect(flags, { role: 'Device Update Content Reader' })
  const files = chosen(everyFile(await connection.client.getUpdateWithContent(updateId)), wanted, text)
  refuseUnsafe(files)
  await mkdir(to, { recursive: true })

  const view = await openTransferView(process.stderr, { isQuiet: json })
  const transfers: Transfer[] = files.map(({ fileName, sizeInBytes }) => ({
    name: fileName,
    phase: 'waiting',
    bytesDone: 0,
    sizeInBytes,
  }))
  const outcomes: { fileName: string; path: string; outcome: 'downloaded' | 'present' }[] = []
  const stopped = 'Stopped. The same command goes on where this one was.'
  await interruptible(stopped, async (signal) => {
    for (const [i, file] of files.entries()) {
      const path = join(to, file.fileName)
      const show = (changes: Partial<Transfer>) => {
        transfers[i] = { ...(transfers[i] as Transfer), ...changes }
        view.show(transfers)
      }
      const outcome = await downloadFile(file, { path, to, force, connection, show, signal })
      show({ phase: 'done', bytesDone: file.sizeInBytes, isDone: true })
      outcomes.push({ fileName: file.fileName, path, outcome })
    }
  }).finally(view.end)
  for (const { path, outcome, ...rest } of outcomes) {
    if (json) printJson({ ...rest, path, outcome })
    else print(outcome === 'present' ? `${path} was there already` : `${path} downloaded and checked`)
  }
  if (outcomes.length === 0) tell(`${text} has no files of its own.`)
}

/** The files that were named, or all. */
function chosen(files: readonly AnyFile[], wanted: readonly string[], text: string): AnyFile[] {
  const unknown = wanted.filter((name) => !files.some((file) => isNamed(file, name)))
  if (unknown.length > 0) {
    const known = files.map(({ fileName }) => fileName).join(', ') || 'none'
    throw new CommandError(`${text} has no file ${unknown.join(', ')}. Its files are: ${known}.`)
  }
  return wanted.length === 0 ? [...files] : files.filter((file) => wanted.some((name) => isNamed(file, name)))
}

function isNamed({ fileName }: AnyFile, name: string): boolean {
  return fileName.toLowerCase() === name.toLowerCase()
}

/** Nothing is written where anything is no good: a server with such a name means no good either. */
function refuseUnsafe(files: readonly AnyFile[]): void {
  const seen = new Map<string, string>()
  for (const { fileName, hashes, sizeInBytes, scanResult, scanDetails } of files) {
    if (scanResult === 'Infected')
      throw new CommandError(
        `"${fileName}" is infected${scanDetails === undefined ? '' : ` (${scanDetails})`}, and the server gives it to nobody.`,
      )
    const mistake = nameMistake(fileName)
    if (mistake !== undefined)
      throw new CommandError(`The server has a file called "${fileName}", which ${mistake}. Nothing was downloaded.`)
    if (!/^[A-Za-z0-9+/]{43}=$/.test(hashes?.sha256 ?? '') || !Number.isSafeInteger(sizeInBytes) || sizeInBytes < 0)
      throw new CommandError(`The server does not say what "${fileName}" must be. Nothing was downloaded.`)
    // Some file systems make no difference between letter cases.
    const other = seen.get(fileName.toLowerCase())
    if (other !== undefined)
      throw new CommandError(
        `The files "${other}" and "${fileName}" would be one here. Download them one by one, into different folders (--to).`,
      )
    seen.set(fileName.toLowerCase(), fileName)
  }
}

interface FileDownload {
  path: string
  to: string
  force: boolean
  connection: Connection
  show: (changes: Partial<Transfer>) => void
  signal: AbortSignal
}

async function downloadFile(
  file: AnyFile,
  { path, to, force, connection, show, signal }: FileDownload,
): Promise<'downloaded' | 'present'> {
  const { fileName, sizeInBytes } = file
  const sha256 = file.hashes.sha256 as string
  const existing = await lstat(path).catch(() => undefined)
  if (existing?.isFile() && existing.size === sizeInBytes && (await hashFile(path)).sha256 === sha256) return 'present'
  if (existing !== undefined && !force) {
    throw new CommandError(
      `${path} is there already, and is something else. Replace it with --force, or name another folder with --to.`,
    )
  }
  if (existing?.isDirectory()) throw new CommandError(`${path} is a folder; it is not replaced.`)

  // Named after the content: whatever is found there under this name is the beginning of the same file.
  const part = join(to, `.aduana-${Buffer.from(sha256, 'base64').toString('hex')}.part`)
  await fetchFile(part, file, {
    connection,
    signal,
    onProgress: (bytesDone) => show({ phase: 'downloading', bytesDone }),
  })
  // What came in the meantime is not replaced either.
  if (!force && existing === undefined && (await lstat(path).catch(() => undefined)) !== undefined)
    throw new CommandError(`${path} has come in the meantime. It was not replaced.`)
  await rename(part, path)
  show({ name: fileName })
  return 'downloaded'
}
