import type { ApiClient } from '../../client/api-client.ts'
import { formatUpdateId, sameUpdate, type UpdateId } from '../../domain/update-id.ts'
import { connect } from '../connect.ts'
import { sayEnd, watchToEnd } from '../operations/watch.ts'
import { print, printJson, tell } from '../output.ts'
import { CommandError, EXIT } from '../report.ts'
import { count } from '../terminal/amounts.ts'
import { openTransferView } from '../terminal/transfers.ts'
import { parseUpdateName } from './update-name.ts'

export interface DeleteOptions {
  yes?: boolean
  wait: boolean
  json?: boolean
}

/** An update that is to go, and the parts of it that go with it since nothing else needs them. */
interface Wish {
  updateId: UpdateId
  parts: readonly UpdateId[]
}

/** `aduana delete`: deletes updates after asking. Answers the exit code. */
export async function deleteUpdates(
  texts: readonly string[],
  flags: Record<string, string | string[] | undefined>,
  { yes = false, wait, json = false }: DeleteOptions,
): Promise<number> {
  const named = texts.map(parseUpdateName)
  const mayAsk = process.stdin.isTTY === true && process.stderr.isTTY === true
  if (!yes && !mayAsk) throw new CommandError('Nobody can be asked here whether to delete: add --yes.')
  const connection = await connect(flags, { role: 'Device Update Content Administrator' })
  const { client } = connection
  const wishes = await wishesFor(client, named)

  if (!yes) {
    tell(`To be deleted from ${connection.instance} at ${connection.server}:`)
    for (const { updateId, parts } of wishes) {
      tell(`  ${formatUpdateId(updateId)}`)
      for (const part of parts) tell(`    with ${formatUpdateId(part)}, which no other update needs`)
    }
    if (!(await isConfirmed(wishes.length))) throw new CommandError('Nothing was deleted.')
  }

  let exitCode = 0
  for (const { updateId, parts } of wishes) {
    const { operationId } = await client.deleteUpdate(updateId)
    if (!wait) {
      if (json) printJson({ operationId, kind: 'delete', updates: [{ updateId }] })
      else print(`${formatUpdateId(updateId)} is being deleted: operation ${operationId}`)
      continue
    }
    const view = await openTransferView(process.stderr, { isQuiet: true })
    const operation = await watchToEnd(connection, operationId, { view })
    if (json) printJson(operation)
    else sayEnd({ ...operation, updates: [{ updateId }] })
    if (operation.status !== 'Succeeded') exitCode = EXIT.failed
    else if (!json) for (const part of parts) print(`${formatUpdateId(part)} deleted with it`)
  }
  return exitCode
}

/**
 * What has to be asked of the server so that everything named is gone: a part goes with the last of its parents. Throws where an update is
 * part of another one that stays, before anything is deleted: the server would refuse.
 */
async function wishesFor(client: ApiClient, named: readonly UpdateId[]): Promise<Wish[]> {
  const isNamed = (updateId: UpdateId) => named.some((other) => sameUpdate(other, updateId))
  const wishes: Wish[] = []
  const gone: UpdateId[] = []
  for (const name of named) {
    const { updateId, referencedBy = [], references = [] } = await client.getUpdateWithContent(name)
    const staying = referencedBy.filter((parent) => !isNamed(parent)).map(formatUpdateId)
    if (staying.length > 0) {
      const them = staying.length === 1 ? ['that one', 'it'] : ['those', 'them']
      throw new CommandError(
        `${formatUpdateId(updateId)} is part of ${staying.join(', ')}. Delete ${them[0]} first, or name ${them[1]} too. Nothing was deleted.`,
      )
    }
    if (referencedBy.length > 0 || wishes.some((wish) => sameUpdate(wish.updateId, updateId))) continue
    const parts: UpdateId[] = []
    for (const part of references) {
      if (gone.some((other) => sameUpdate(other, part))) continue
      const parents = (await client.getUpdate(part)).referencedBy ?? []
      if (!parents.every(isNamed)) continue
      parts.push(part)
      gone.push(part)
    }
    wishes.push({ updateId, parts })
  }
  return wishes
}

async function isConfirmed(number: number): Promise<boolean> {
  const { default: confirm } = await import('@inquirer/confirm')
  try {
    return await confirm(
      { message: `Delete ${number === 1 ? 'it' : count(number, 'update')} for good?`, default: false },
      { output: process.stderr },
    )
  } catch {
    // Ctrl-C is a no.
    return false
  }
}
