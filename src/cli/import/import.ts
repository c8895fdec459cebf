import type { OperationWithProgress } from '../../client/api-types.ts'
import { formatUpdateId } from '../../domain/update-id.ts'
import { type Connection, connect } from '../connect.ts'
import { NoAnswer } from '../fetch-from.ts'
import { interruptible } from '../interruptible.ts'
import { sayEnd, watchCommand, watchToEnd } from '../operations/watch.ts'
import { print, printJson, tell } from '../output.ts'
import { CommandError, EXIT } from '../report.ts'
import { count, formatBytes } from '../terminal/amounts.ts'
import { openTransferView } from '../terminal/transfers.ts'
import { type Attempt, isChild, operationAs } from './attempt.ts'
import { checkLocalFiles } from './check-local-files.ts'
import { dryRun } from './dry-run.ts'
import { findBegun, findSame } from './find-begun.ts'
import { type Publication, readPublications } from './read-publications.ts'
import { openRemembered } from './remembered.ts'
import { upload } from './upload.ts'

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
  { file = [], friendlyName, dryRun: isDryRun = false, deep = false, wait, json = false }: ImportOptions,
): Promise<number> {
  if (deep && !isDryRun) throw new CommandError('--deep belongs to --dry-run: an import reads every byte in any case.')
  const connection = await connect(flags, { role: 'Device Update Content Administrator' })
  const { publications, mistakes, warnings } = await readPublications(places, file)
  for (const warning of warnings) tell(`warning: ${warning}`)
  if (friendlyName !== undefined) mistakes.push(...friendlyNameMistakes(publications))
  const view = await openTransferView(process.stderr, { isQuiet: json })
  const wrongFiles = await interruptible('Stopped. Nothing was sent.', (signal) =>
    checkLocalFiles(publications, { signal, onProgress: view.show }),
  ).finally(view.clear)
  mistakes.push(...wrongFiles)
  if (mistakes.length > 0) throw new CommandError([...mistakes, 'Nothing was sent to the server.'].join('\n'))

  const attempt: Attempt = { publications, connection, remembered: openRemembered(), view, friendlyName, json }
  if (isDryRun) return await dryRun(attempt, { deep })
  const running = (await findBegun(attempt)) ?? (await begin(attempt))
  if (!wait) {
    const operation = await connection.client.getProgress(running)
    if (json) printJson(operation)
    else print(`Accepted as operation ${running}. To watch it: ${watchCommand(connection, running)}`)
    return 0
  }
  const operation = await watchToEnd(connection, running, { view })
  if (operation.status === 'Succeeded') await attempt.remembered.forget(operationAs(attempt))
  if (json) printJson(operation)
  else {
    sayEnd(operation)
    if (operation.status === 'Succeeded') sayAddresses(operation, connection)
  }
  return operation.status === 'Succeeded' ? 0 : EXIT.failed
}

function friendlyNameMistakes(publications: readonly Publication[]): string[] {
  const roots = publications.filter((publication) => !isChild(publication, publications))
  if (roots.length <= 1) return []
  return [
    `--friendly-name is for one update, or for the parent of several; these are ${roots.map(({ manifest }) => formatUpdateId(manifest.updateId)).join(', ')}.`,
  ]
}

/**
 * Uploads what is here, asks for the import, and answers the id of its operation. Where the answer is lost, nobody knows whether the server
 * has heard: what it does, or has just done, is looked at before it is asked again.
 */
async function begin(attempt: Attempt): Promise<string> {
  const { connection, remembered } = attempt
  const inputs = await upload(attempt)
  const ask = async () => (await connection.client.importUpdate(inputs)).operationId
  const operationId = await ask().catch(async (error) => {
    if (!(error instanceof NoAnswer)) throw error
    return (await findSame(attempt, ['NotStarted', 'Running', 'Succeeded'])) ?? (await ask())
  })
  await remembered.note(operationAs(attempt), operationId)
  return operationId
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
