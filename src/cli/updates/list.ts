import type { ApiClient } from '../../client/api-client.ts'
import type { Update } from '../../client/api-types.ts'
import { formatUpdateId } from '../../domain/update-id.ts'
import { connect } from '../connect.ts'
import { printJson, tell } from '../output.ts'
import { CommandError } from '../report.ts'
import { formatMoment } from '../terminal/amounts.ts'
import { lookOf } from '../terminal/look.ts'
import { startTable } from '../terminal/table.ts'

export interface ListOptions {
  provider?: string
  name?: string
  json?: boolean
}

/** `aduana list`: the updates of an instance, newest versions first, all or those that were searched for. */
export async function list(
  search: string | undefined,
  flags: Record<string, string | string[] | undefined>,
  { provider, name, json = false }: ListOptions,
): Promise<void> {
  if (name !== undefined && provider === undefined)
    throw new CommandError('--name needs --provider: names are below it.')
  if (search !== undefined && provider !== undefined)
    throw new CommandError('Either search, or name a provider with --provider.')
  const { client, instance } = await connect(flags, { role: 'Device Update Content Reader' })
  const updates =
    provider === undefined
      ? client.listUpdates(search === undefined ? {} : { search })
      : updatesBelow(client, { provider, name })
  const table = startTable(['UPDATE', 'DEPLOYABLE', 'SCAN', 'IMPORTED', 'DESCRIPTION'], {
    print: console.log,
    look: lookOf(process.stdout),
  })
  let isEmpty = true
  for await (const update of updates) {
    isEmpty = false
    if (json) printJson(update)
    else table.add(...cellsOf(update))
  }
  table.end()
  if (isEmpty && !json) {
    const what = search ?? (provider === undefined ? undefined : [provider, name].filter(Boolean).join('/'))
    tell(
      what === undefined
        ? `There are no updates in ${instance} yet.`
        : `There are no updates in ${instance} for "${what}".`,
    )
  }
}

function cellsOf({
  updateId,
  isDeployable,
  scanResult,
  importedDateTime,
  friendlyName,
  description,
}: Update): string[] {
  const words = friendlyName ?? description ?? ''
  return [
    formatUpdateId(updateId),
    isDeployable === false ? 'no' : 'yes',
    scanWord(scanResult),
    formatMoment(importedDateTime),
    words,
  ]
}

/** What a scan found, in a word. */
export function scanWord(scanResult: string | undefined): string {
  if (scanResult === 'Success') return 'clean'
  return scanResult === 'Infected' ? 'INFECTED' : 'not scanned'
}

async function* updatesBelow(
  client: ApiClient,
  { provider, name }: { provider: string; name: string | undefined },
): AsyncGenerator<Update> {
  for await (const found of name === undefined ? client.listNames(provider) : [name]) {
    for await (const version of client.listVersions({ provider, name: found })) {
      yield await client.getUpdate({ provider, name: found, version })
    }
  }
}
