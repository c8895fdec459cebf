import { ApiError } from '../../client/api-error.ts'
import type { OperationWithProgress } from '../../client/api-types.ts'
import { formatUpdateId } from '../../domain/update-id.ts'
import { type Connection, connect } from '../connect.ts'
import { interruptible } from '../interruptible.ts'
import { print, printJson, tell } from '../output.ts'
import { CommandError, EXIT } from '../report.ts'
import { openTransferView, type Transfer, type TransferView } from '../terminal/transfers.ts'
import { describeFailure } from './describe-failure.ts'
import { followOperation } from './follow-operation.ts'

const PHASES = {
  Waiting: 'waiting',
  Downloading: 'importing',
  Distributing: 'distributing',
  Done: 'done',
} as const

const DONE = {
  import: (name: string) => `${name} imported`,
  delete: (name: string) => `${name} deleted`,
  check: (name: string) => `Nothing speaks against an import of ${name}.`,
}

/** `aduana watch`: follows an operation to its end. Answers the exit code. */
export async function watch(
  operationId: string,
  flags: Record<string, string | string[] | undefined>,
  { json = false }: { json?: boolean },
): Promise<number> {
  const connection = await connect(flags, { role: 'Device Update Content Reader' })
  const view = await openTransferView(process.stderr, { isQuiet: json })
  const operation = await watchToEnd(connection, operationId, {
    view,
    ...(json && { onState: printJson }),
  })
  if (!json) sayEnd(operation)
  return operation.status === 'Succeeded' ? 0 : EXIT.failed
}

/**
 * Shows how an operation goes until it has ended, and answers it. The first Ctrl-C stops watching: the server goes on,
 * and the error says how to come back. A second one ends at once.
 */
export async function watchToEnd(
  { client, server, instance }: Pick<Connection, 'client' | 'server' | 'instance'>,
  operationId: string,
  { view, onState }: { view: TransferView; onState?: (operation: OperationWithProgress) => void },
): Promise<OperationWithProgress> {
  const stopped = `Stopped watching; the server goes on with the operation. To watch it again: ${watchCommand({ server, instance }, operationId)}`
  let isTroubled = false
  return await interruptible(stopped, (signal) =>
    followOperation(client, operationId, {
      signal,
      onState(operation) {
        if (isTroubled) view.say('The server answers again.')
        isTroubled = false
        onState?.(operation)
        view.show(transfersOf(operation))
      },
      onTrouble(error) {
        if (!isTroubled) view.say(`The server does not answer for the moment; waiting for it. (${error.message})`)
        isTroubled = true
      },
    }),
  )
    .catch((error) => {
      const isUnknown = error instanceof ApiError && error.status === 404
      if (!(error instanceof CommandError) && !isUnknown)
        tell(
          `The server goes on with the operation. To watch it again: ${watchCommand({ server, instance }, operationId)}`,
        )
      throw error
    })
    .finally(view.end)
}

/** The command line that goes on watching. */
export function watchCommand(
  { server, instance }: Pick<Connection, 'server' | 'instance'>,
  operationId: string,
): string {
  return `aduana watch ${operationId} --server ${server} --instance ${instance}`
}

function transfersOf({ files }: OperationWithProgress): Transfer[] {
  return files.map(({ fileName, sizeInBytes, bytesDone, phase }) => ({
    name: fileName,
    phase: PHASES[phase] ?? phase,
    bytesDone,
    sizeInBytes,
    isDone: phase === 'Done',
  }))
}

/** What an operation came to: its updates on standard output, or why it failed. */
export function sayEnd({ kind, status, updates, error }: OperationWithProgress): void {
  const names = updates.map(({ updateId }) => formatUpdateId(updateId))
  if (status === 'Succeeded') {
    for (const name of names) print(DONE[kind](name))
    return
  }
  tell(`Failed: ${names.length > 0 ? names.join(', ') : `the ${kind}`}`)
  if (error !== undefined) for (const line of describeFailure(error)) tell(line)
}
