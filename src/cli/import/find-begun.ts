import { ApiError } from '../../client/api-error.ts'
import type { Operation } from '../../client/api-types.ts'
import { formatUpdateId, sameUpdate } from '../../domain/update-id.ts'
import { tell } from '../output.ts'
import { CommandError } from '../report.ts'
import { type Attempt, operationAs } from './attempt.ts'

/**
 * The operation of an earlier run of the same command, or of somebody else, that imports just this. Throws a
 * `CommandError` where the server has the updates already from elsewhere.
 */
export async function findBegun(attempt: Attempt): Promise<string | undefined> {
  const { connection, remembered, publications, json } = attempt
  const known = await remembered.find(operationAs(attempt))
  const operation = known === undefined ? undefined : await ifThere(connection.client.getProgress(known))
  if (operation?.status === 'NotStarted' || operation?.status === 'Running') {
    if (!json) tell(`This was begun already, as operation ${operation.operationId}. Watching it.`)
    return operation.operationId
  }
  const there = await updatesThere(attempt)
  // Whoever stopped watching may come back when it has ended.
  if (operation?.status === 'Succeeded' && there.length === publications.length) return operation.operationId
  if (there.length > 0) {
    const [are, them] = there.length === 1 ? ['is', 'it'] : ['are', 'them']
    throw new CommandError(
      `${there.join(', ')} ${are} at the server already. Give ${them} a new version, or leave the manifest out. Nothing was sent.`,
    )
  }
  const underWay = await findSame(attempt, ['NotStarted', 'Running'])
  if (underWay !== undefined && !json)
    tell(`An import of the same is under way, as operation ${underWay}. Watching it.`)
  return underWay
}

/** The newest import of just these updates in one of these states. */
export async function findSame(
  { connection: { client }, publications }: Attempt,
  status: readonly Operation['status'][],
): Promise<string | undefined> {
  for await (const { operationId, updates } of client.listAllOperations({ kind: ['import'], status })) {
    const isSame =
      updates.length === publications.length &&
      updates.every(({ updateId }) => publications.some(({ manifest }) => sameUpdate(manifest.updateId, updateId)))
    if (isSame) return operationId
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
