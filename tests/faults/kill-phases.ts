import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** What a server was doing when it was killed. */
export const KILL_PHASES = [
  'starting',
  'idle',
  'manifest',
  'downloading',
  'committing',
  'publishing',
  'deleting',
] as const
export type KillPhase = (typeof KILL_PHASES)[number]

interface RunningFile {
  operation: string
  phase: string
  size: number
}

/**
 * What the operations of a killed server were in the middle of, as far as its data folder shows: `manifest` before the manifests were
 * read, `committing` where every byte of a file is there but its copy is not in force yet, `publishing` where all files are. Nothing at
 * all is `idle`.
 */
export function phasesIn(folder: string): Set<KillPhase> {
  const database = new DatabaseSync(join(folder, 'aduana.db'), { readOnly: true })
  try {
    const running = database
      .prepare(
        `select id, kind, exists (select 1 from operation_items i where i.operation_id = o.id) as hasItems
           from operations o where status = 'Running'`,
      )
      .all() as { id: string; kind: string; hasItems: number }[]
    const files = database
      .prepare('select operation_id as operation, phase, size_in_bytes as size from operation_files')
      .all() as unknown as RunningFile[]
    const holds = database.prepare('select operation_id as operation, sha256 from blob_holds').all() as {
      operation: string
      sha256: string
    }[]
    const inForce = new Set(
      database
        .prepare('select name from blobs')
        .all()
        .map(({ name }) => String(name)),
    )
    const copies = copiesIn(join(folder, 'blobs')).filter(({ name }) => !inForce.has(name))

    const phases = running.map(({ id, kind, hasItems }): KillPhase => {
      if (kind === 'delete') return 'deleting'
      const own = files.filter(({ operation }) => operation === id)
      if (hasItems === 0 || own.length === 0) return 'manifest'
      const missing = own.filter(({ phase }) => phase !== 'Done')
      if (missing.length === 0) return 'publishing'
      const held = new Set(holds.filter(({ operation }) => operation === id).map(({ sha256 }) => sha256))
      const isWhole = copies.some(({ sha256, size }) => held.has(sha256) && missing.some((file) => file.size === size))
      return isWhole ? 'committing' : 'downloading'
    })
    return new Set(phases.length === 0 ? ['idle'] : phases)
  } finally {
    database.close()
  }
}

function copiesIn(store: string): { name: string; sha256: string; size: number }[] {
  return readdirSync(store, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => ({
      name: entry.name,
      sha256: entry.name.split('.')[0] ?? '',
      size: statSync(join(entry.parentPath, entry.name)).size,
    }))
}
