import { formatUpdateId } from '../../domain/update-id.ts'
import { describeFailure } from '../operations/describe-failure.ts'
import { watchToEnd } from '../operations/watch.ts'
import { print, printJson, tell } from '../output.ts'
import { EXIT } from '../report.ts'
import type { Attempt } from './attempt.ts'
import { upload } from './upload.ts'

/** Says what an import would say. Answers the exit code. */
export async function dryRun(attempt: Attempt, { deep }: { deep: boolean }): Promise<number> {
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
