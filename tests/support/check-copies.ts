import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Database } from '../../src/ports/database.ts'

/**
 * What is wrong with a folder that is a distribution store, compared with the catalogue byte by byte and without a line of the server's
 * code; empty where it is whole, has nothing else, and the rows say so.
 */
export async function checkCopies(
  database: Database,
  { store, folder }: { store: string; folder: string },
): Promise<string[]> {
  const wanted = await database.query(
    `select f.content_id, f.file_name, f.sha256, d.state from files f
       left join distribution d on d.content_id = f.content_id and d.store = $1 where f.scan_result <> 'Infected'`,
    [store],
  )
  const flaws: string[] = []
  const paths = new Set<string>()
  for (const { content_id, file_name, sha256, state } of wanted) {
    const path = `${content_id}/${file_name}`
    paths.add(path)
    const bytes = await readFile(join(folder, path)).catch(() => undefined)
    if (bytes === undefined) flaws.push(`${path} is missing`)
    else if (createHash('sha256').update(bytes).digest('hex') !== sha256) flaws.push(`${path} is damaged`)
    if (state !== 'Present') flaws.push(`${path} is noted as ${state}`)
  }
  for (const path of await filesIn(folder)) if (!paths.has(path)) flaws.push(`${path} should not be there`)
  const [others] = await database.query('select count(*) as count from distribution where store = $1', [store])
  if (Number(others?.count) !== wanted.length) flaws.push(`${others?.count} are noted in place of ${wanted.length}`)
  return flaws
}

/** Every file in a folder, by its path in it. */
export async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
}
