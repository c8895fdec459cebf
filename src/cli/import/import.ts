import { ApiError } from '../../client/api-error.ts'
import type { ImportUpdateInput, OperationWithProgress } from '../../client/api-types.ts'
import { formatUpdateId, sameUpdate } from '../../domain/update-id.ts'
import { type Connection, connect, NoAnswer } from '../connect.ts'
import { interruptible } from '../interruptible.ts'
import { describeFailure } from '../operations/describe-failure.ts'
import { sayEnd, watchCommand, watchToEnd } from '../operations/watch.ts'
import { print, printJson, tell } from '../output.ts'
import { CommandError, EXIT } from '../report.ts'
import { count, formatBytes } from '../terminal/amounts.ts'
import { openTransferView, type TransferView } from '../terminal/transfers.ts'
import { checkLocalFiles } from './check-local-files.ts'
import { type Publication, readPublications } from './read-publications.ts'
import { openRemembered, type Remembered } from './remembered.ts'
import { type Staged, stageAll } from './stage-all.ts'

export interface ImportOptions {
  file?: string[]
  friendlyName?: string
  dryRun?: boolean
  deep?: boolean
  wait: boolean
  json?: boolean
}

/** `aduana import`: checks what is here, uploads it, lets the server import it, and waits for the end. Answers the exit code. */
export async function importUpdates(
  places: readonly string[],
  flags: Record<string, string | string[] | undefined>,
  { file = [], friendlyName, dryRun = false, deep = false, wait, json = false }: ImportOptions,
): Promise<number> {
  if (deep && !dryRun) throw new CommandError('--deep belongs to --dry-run: an import reads every byte in any case.')
  const { publications, mistakes, warnings } = await readPublications(places, file)
  for (const warning of warnings) tell(`warning: ${warning}`)
  if (friendlyName !== undefined) mistakes.push(...friendlyNameMistakes(publications))
  const view = await openTransferView(process.stderr, { isQuiet: json })
  const isStopped = 'Stopped. Nothing was sent.'
  mistakes.push(
    ...(await interruptible(isStopped, (signal) =>
      checkLocalFiles(publications, { signal, onProgress: view.show }),
    ).finally(view.end)),
  )
  if (mistakes.length > 0) throw new CommandError([...mistakes, 'Nothing was sent to the server.'].join('\n'))

  const connection = await connect(flags, { role: 'Device Update Content Administrator' })
  const attempt: Attempt = { publications, connection, remembered: openRemembered(), view, friendlyName, json }
  if (dryRun) return await check(attempt, { deep })
  const running = (await findBegun(attempt)) ?? (await begin(attempt))
  if (!wait) {
    const operation = await connection.client.getProgress(running)
    if (json) printJson(operation)
    else print(`Accepted as operation ${running}. To watch it: ${watchCommand(connection, running)}`)
    return 0
  }
  const operation = await watchToEnd(connection, running, { view })
  if (operation.status === 'Succeeded') await forget(attempt)
  if (json) printJson(operation)
  else {
    sayEnd(operation)
    if (operation.status === 'Succeeded') sayAddresses(operation, connection)
  }
  return operation.status === 'Succeeded' ? 0 : EXIT.failed
}

/** One run of the command. */
interface Attempt {
  publications: readonly Publication[]
  connection: Connection
  remembered: Remembered
  view: TransferView
  friendlyName: string | undefined
  json: boolean
}

function friendlyNameMistakes(publications: readonly Publication[]): string[] {
  const roots = publications.filter((publication) => !isChild(publication, publications))
  if (roots.length <= 1) return []
  return [
    `--friendly-name is for one update, or for the parent of several; these are ${roots.map(({ manifest }) => formatUpdateId(manifest.updateId)).join(', ')}.`,
  ]
}

function isChild({ manifest }: Publication, publications: readonly Publication[]): boolean {
  return publications.some((other) =>
    other.manifest.references.some(({ updateId }) => sameUpdate(updateId, manifest.updateId)),
  )
}

/** The operation of an earlier run of the same command, or of somebody else, that imports just this and goes on. */
async function findBegun(attempt: Attempt): Promise<string | undefined> {
  const { connection, remembered, publications, json } = attempt
  const known = await remembered.find(operationAs(attempt))
  const operation = known === undefined ? undefined : await ifThere(connection.client.getProgress(known))
  if (operation?.status === 'NotStarted' || operation?.status === 'Running') {
    if (!json) tell(`This was begun already, as operation ${operation.operationId}. Watching it.`)
    return operation.operationId
  }
  // Whoever stopped watching may come back when it has ended.
  const there = await updatesThere(attempt)
  if (operation?.status === 'Succeeded' && there.length === publications.length) return operation.operationId
  if (there.length > 0) {
    throw new CommandError(
      `${there.join(', ')} ${there.length === 1 ? 'is' : 'are'} at the server already. Give ${there.length === 1 ? 'it' : 'them'} a new version, or leave the manifest out. Nothing was sent.`,
    )
  }
  for await (const other of connection.client.listAllOperations({
    kind: ['import'],
    status: ['NotStarted', 'Running'],
  })) {
    const isSame =
      other.updates.length > 0 &&
      other.updates.length === publications.length &&
      other.updates.every(({ updateId }) =>
        publications.some(({ manifest }) => sameUpdate(manifest.updateId, updateId)),
      )
    if (!isSame) continue
    if (!json) tell(`An import of the same is under way, as operation ${other.operationId}. Watching it.`)
    return other.operationId
  }
  return undefined
}

/** Those of the updates that the server has. */
async function updatesThere({ publications, connection: { client } }: Attempt): Promise<string[]> {
  const names: string[] = []
  for (const { manifest } of publications) {
    if ((await ifThere(client.getUpdate(manifest.updateId))) !== undefined)
      names.push(formatUpdateId(manifest.updateId))
  }
  return names
}

async function ifThere<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined
    throw error
  }
}

/** Uploads what is here, asks for the import, and answers the id of its operation. */
async function begin(attempt: Attempt): Promise<string> {
  const { connection, remembered } = attempt
  const inputs = await upload(attempt)
  const { operationId } = await ask(attempt, () => connection.client.importUpdate(inputs))
  await remembered.note(operationAs(attempt), operationId)
  return operationId
}

/**
 * Asks for an import once. Where the answer was lost, nobody knows whether the server has heard it: what goes on there is looked at before it
 * is asked again.
 */
async function ask(
  attempt: Attempt,
  request: () => Promise<{ operationId: string }>,
): Promise<{ operationId: string }> {
  try {
    return await request()
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error
    const operationId = await findBegun(attempt)
    return operationId === undefined ? await request() : { operationId }
  }
}

/** Uploads what is on this machine, and answers what the server is asked to import. */
async function upload({
  publications,
  connection,
  remembered,
  view,
  friendlyName,
}: Attempt): Promise<ImportUpdateInput[]> {
  const stopped =
    'Stopped; nothing is imported. The same command goes on where this one was, as long as the server keeps what was uploaded.'
  const staged = await interruptible(stopped, (signal) =>
    stageAll(publications, { connection, remembered, signal, onProgress: view.show }),
  ).finally(view.clear)
  return publications.map((publication) =>
    inputOf(publication, { staged, friendlyName: isChild(publication, publications) ? undefined : friendlyName }),
  )
}

function inputOf(
  publication: Publication,
  { staged, friendlyName }: { staged: Staged; friendlyName: string | undefined },
): ImportUpdateInput {
  const { bytes, sha256, origin, files } = publication
  return {
    importManifest: {
      url: 'url' in origin ? origin.url : staged.manifest(publication),
      sizeInBytes: bytes.byteLength,
      hashes: { sha256 },
    },
    ...(friendlyName !== undefined && { friendlyName }),
    ...(files.length > 0 && {
      files: files.map((file) => ({
        filename: file.fileName,
        url: 'url' in file.origin ? file.origin.url : staged.file(file),
      })),
    }),
  }
}

/** The dry run: what an import of the same would say. */
async function check(attempt: Attempt, { deep }: { deep: boolean }): Promise<number> {
  const { connection, view, json, publications } = attempt
  const inputs = await upload(attempt)
  const { operationId } = await connection.client.checkUpdate(inputs, { deep })
  const operation = await watchToEnd(connection, operationId, { view })
  if (json) {
    printJson(operation)
    return operation.status === 'Succeeded' ? 0 : EXIT.failed
  }
  for (const { message, target } of operation.warnings ?? []) tell(`warning: ${target ? `${target}: ` : ''}${message}`)
  const names = publications.map(({ manifest }) => formatUpdateId(manifest.updateId)).join(', ')
  if (operation.status === 'Succeeded') {
    print(deep ? `An import of ${names} would succeed.` : `Nothing speaks against an import of ${names}.`)
    return 0
  }
  tell(`An import of ${names} would fail:`)
  const titleOf = (item: number) => (publications.length > 1 ? publications[item]?.title : undefined)
  if (operation.error !== undefined) for (const line of describeFailure(operation.error, { titleOf })) tell(line)
  return EXIT.failed
}

/** The server has removed the uploads that it has imported. */
async function forget(attempt: Attempt): Promise<void> {
  await attempt.remembered.forget(operationAs(attempt))
}

/** By what the operation is remembered: the manifests say what every file must be. */
function operationAs({ publications, connection: { server, instance } }: Attempt): string[] {
  return ['operation', server, instance, ...publications.map(({ sha256 }) => sha256).sort()]
}

function sayAddresses({ updates, files }: OperationWithProgress, { server, instance }: Connection): void {
  const sizeInBytes = files.reduce((sum, file) => sum + file.sizeInBytes, 0)
  if (files.length > 0) tell(`${count(files.length, 'file')}, ${formatBytes(sizeInBytes)}`)
  for (const { updateId } of updates) {
    const [provider, name, version] = [updateId.provider, updateId.name, updateId.version].map(encodeURIComponent)
    print(
      `${server}/deviceUpdate/${instance}/updates/providers/${provider}/names/${name}/versions/${version}?api-version=2022-10-01`,
    )
  }
}
