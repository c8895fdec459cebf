import type { Database } from '../../ports/database.ts'
import { NOW } from '../clock.ts'

/** A process that shares the database with others. */
export interface Node {
  node: string
  isApi: boolean
  isWorker: boolean
  version: string
}

/** How many live nodes do what. */
export interface LiveNodes {
  api: number
  worker: number
}

/** Says that a node is alive just now. */
export async function reportNode(database: Database, { node, isApi, isWorker, version }: Node): Promise<void> {
  await database.query(
    `insert into nodes (node, seen_at, is_api, is_worker, version) values ($1, ${NOW}, $2, $3, $4)
     on conflict (node) do update set seen_at = excluded.seen_at, is_api = excluded.is_api,
       is_worker = excluded.is_worker, version = excluded.version`,
    [node, isApi, isWorker, version],
  )
}

/** Counts the nodes that were seen in the last `aliveMs`. */
export async function countLiveNodes(database: Database, aliveMs: number): Promise<LiveNodes> {
  const [row] = await database.query(
    `select count(case when is_api then 1 end) as api, count(case when is_worker then 1 end) as worker
       from nodes where seen_at > ${NOW} - $1`,
    [aliveMs],
  )
  return { api: Number(row?.api ?? 0), worker: Number(row?.worker ?? 0) }
}

/** Says that a node goes. What it is in the midst of counts on until its leases end. */
export async function forgetNode(database: Database, node: string): Promise<void> {
  await database.batch([
    { sql: 'delete from nodes where node = $1', params: [node] },
    { sql: 'delete from duties where node = $1', params: [node] },
  ])
}

/** Forgets the nodes that died without a word more than `ageMs` ago. */
export async function forgetDeadNodes(database: Database, ageMs: number): Promise<void> {
  await database.query(`delete from nodes where seen_at <= ${NOW} - $1`, [ageMs])
}

/** Takes a duty for `forMs`, or keeps it. False while another node has it. */
export async function takeDuty(
  database: Database,
  { duty, node, forMs }: { duty: string; node: string; forMs: number },
): Promise<boolean> {
  const rows = await database.query(
    `insert into duties (duty, node, due_at) values ($1, $2, ${NOW} + $3)
     on conflict (duty) do update set node = excluded.node, due_at = excluded.due_at
       where duties.node = excluded.node or duties.due_at <= ${NOW}
     returning duty`,
    [duty, node, forMs],
  )
  return rows.length === 1
}
