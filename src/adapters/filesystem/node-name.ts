import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createFile, readIfThere } from './durable-files.ts'

const NODE = 'node'

/**
 * The name of the node that uses the data folder `folder`, made with its first start and kept in `node` there. No two folders have the
 * same, and a folder is used by one process at a time. Throws an `Error` with a sentence if the file has none.
 */
export async function openNodeName(folder: string): Promise<string> {
  const path = join(folder, NODE)
  if ((await readIfThere(path)) === undefined) {
    await createFile({ path, content: `${randomBytes(8).toString('hex')}\n`, mode: 0o644 })
  }
  const name = (await readIfThere(path))?.trim() ?? ''
  if (/^[0-9a-f]{16}$/.test(name)) return name
  throw new Error(`${path} does not have the name of a node. Delete it: the next start makes a new one.`)
}

/** Whether the folder is that of a node which shares a database with others: the catalogue is there, whatever else is in the folder. */
export function isNodeFolder(folder: string): boolean {
  return existsSync(join(folder, NODE))
}
