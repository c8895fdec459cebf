import type { Database } from '../../ports/database.ts'
import { NOW } from '../clock.ts'
import type { Node } from './nodes.ts'

/** A node that shares the database, and how long ago it was seen. */
export interface SeenNode extends Node {
  seenMs: number
}

/** Every node that has not said goodbye, those that died in the last hour included; the one last seen first. */
export async function listNodes(database: Database): Promise<SeenNode[]> {
  const rows = await database.query(
    `select node, is_api, is_worker, version, ${NOW} - seen_at as seen_ms from nodes order by seen_at desc, node`,
  )
  return rows.map((row) => ({
    node: String(row.node),
    isApi: Boolean(row.is_api),
    isWorker: Boolean(row.is_worker),
    version: String(row.version),
    seenMs: Number(row.seen_ms),
  }))
}
