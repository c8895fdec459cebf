import type { Database } from '../../ports/database.ts'
import type { Log } from '../../ports/log.ts'
import {
  countLiveNodes,
  forgetDeadNodes,
  forgetNode,
  type LiveNodes,
  type Node,
  reportNode,
  takeDuty,
} from '../../store/nodes/nodes.ts'
import { startRounds } from './rounds.ts'

/** A node that was not seen for so long counts as gone: as long as a lease. */
export const ALIVE_MS = 15_000
const REPORT_EVERY_MS = 5_000
const FORGOTTEN_AFTER_MS = 3600 * 1000
/** Long enough that a slow database takes nobody's duty, short enough that a dead node's is soon taken up. */
const DUTY_MS = 30_000

/** What a node knows of the others that share its database. */
export interface Membership {
  /** How many nodes are alive, this one included: never less than one of what this node runs. */
  live(): LiveNodes
  /** Whether this node has a duty for the next half minute. Another one gets it when this one no longer asks. */
  takes(duty: string): Promise<boolean>
  /** Says goodbye, so that the others share its part at once. Never throws. */
  leave(): Promise<void>
}

/** Of a node that has its database to itself. */
export const ALONE: Membership = {
  live: () => ({ api: 1, worker: 1 }),
  takes: async () => true,
  leave: async () => {},
}

/** Joins the nodes that share a database. `onRound` is called after each look at the others. */
export async function join(
  database: Database,
  node: Node,
  log: Pick<Log, 'error'>,
  { reportEveryMs = REPORT_EVERY_MS, aliveMs = ALIVE_MS, dutyMs = DUTY_MS } = {},
): Promise<Membership> {
  let live: LiveNodes = { api: 1, worker: 1 }
  async function look(): Promise<void> {
    await reportNode(database, node)
    const counted = await countLiveNodes(database, aliveMs)
    live = { api: Math.max(1, counted.api), worker: Math.max(1, counted.worker) }
    await forgetDeadNodes(database, FORGOTTEN_AFTER_MS)
  }
  await look()
  const looking = startRounds(reportEveryMs, look, log)
  return {
    live: () => live,
    takes: (duty) => takeDuty(database, { duty, node: node.node, forMs: dutyMs }),
    async leave() {
      await looking.stop()
      await forgetNode(database, node.node).catch((error) => log.error({ err: error }, 'cannot say goodbye'))
    },
  }
}
