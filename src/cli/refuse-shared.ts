import { isNodeFolder } from '../adapters/filesystem/node-name.ts'

/** Throws an `Error` with a sentence where the catalogue is in a database that nodes share: that has tools of its own. */
export function refuseShared({ data, database }: { data: string; database: string | undefined }): void {
  const what = isNodeFolder(data)
    ? `${data} is the folder of a node, whose catalogue is in the PostgreSQL of all nodes`
    : database !== undefined && 'The catalogue is in PostgreSQL, as --database or ADUANA_DATABASE says'
  if (what === false) return
  throw new Error(
    `${what}. Back it up and restore it with pg_dump, and the store with its own tools: docs/many-nodes.md#backups.`,
  )
}
