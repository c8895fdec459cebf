import type { Operation, OperationSummary } from '../../client/api-types.ts'
import { formatUpdateId } from '../../domain/update-id.ts'
import { connect } from '../connect.ts'
import { printJson, tell } from '../output.ts'
import { CommandError } from '../report.ts'
import { formatMoment } from '../terminal/amounts.ts'
import { lookOf } from '../terminal/look.ts'
import { startTable } from '../terminal/table.ts'

const STATUSES = ['NotStarted', 'Running', 'Succeeded', 'Failed'] as const
const TOP_DEFAULT = 25

export interface ListOperationsOptions {
  status?: string[]
  top?: string
  json?: boolean
}

/** `aduana operations`: the operations of an instance, newest first. */
export async function listOperations(
  flags: Record<string, string | string[] | undefined>,
  { status = [], top: topText, json = false }: ListOperationsOptions,
): Promise<void> {
  const statuses = status.map(parseStatus)
  const top = topText === undefined ? TOP_DEFAULT : parseTop(topText)
  const { client, instance } = await connect(flags, { role: 'Device Update Content Reader' })
  const table = startTable(['OPERATION', 'KIND', 'STATUS', 'BEGAN', 'UPDATE', 'ERROR'], {
    print: console.log,
    look: lookOf(process.stdout),
  })
  let isEmpty = true
  for await (const operation of client.listAllOperations({ ...(statuses.length > 0 && { status: statuses }), top })) {
    isEmpty = false
    if (json) printJson(operation)
    else table.add(...cellsOf(operation))
  }
  table.end()
  if (isEmpty && !json) tell(`There are no ${statuses.length > 0 ? 'such ' : ''}operations in ${instance}.`)
}

function cellsOf({
  operationId,
  kind,
  status,
  createdDateTime,
  updates,
  error,
  sizeInBytes,
  bytesDone,
}: OperationSummary) {
  const isMoving = status === 'Running' && sizeInBytes !== undefined && bytesDone !== undefined && sizeInBytes > 0
  return [
    operationId,
    kind,
    isMoving ? `${status} ${Math.floor((100 * bytesDone) / sizeInBytes)} %` : status,
    formatMoment(createdDateTime),
    updates.map(({ updateId }) => formatUpdateId(updateId)).join(', '),
    error === undefined ? '' : (error.innererror?.innerError?.code ?? error.innererror?.code ?? error.code),
  ]
}

function parseStatus(text: string): Operation['status'] {
  const status = STATUSES.find((known) => known.toLowerCase() === text.toLowerCase())
  if (status === undefined) throw new CommandError(`--status ${text}: there are ${STATUSES.join(', ')}.`)
  return status
}

function parseTop(text: string): number {
  const top = Number(text)
  if (!/^\d{1,6}$/.test(text) || top < 1) throw new CommandError(`--top ${text} is not a number from 1 to 999999.`)
  return top
}
