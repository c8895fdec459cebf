import type { Database } from '../../ports/database.ts'
import { listNodes, type SeenNode } from '../../store/nodes/inspect-nodes.ts'
import { ALIVE_MS } from '../nodes/membership.ts'
import type { Step } from './step.ts'

/** More are counted only. */
const NAMED_MAX = 20

/** Whether the nodes that share the database do together what there is to do. */
export function checkNodes(database: () => Database): Step {
  return {
    name: 'nodes',
    title: 'Nodes',
    needs: ['database', 'schema'],
    async run(pen) {
      const nodes = await listNodes(database())
      const alive = nodes.filter(isAlive)
      if (alive.length === 0) pen.warn('No node is alive: nobody answers requests and runs operations. Start one.')
      else {
        if (!alive.some(({ isApi }) => isApi)) pen.warn('No node answers requests: start one with api in its --run.')
        if (!alive.some(({ isWorker }) => isWorker)) {
          pen.warn('No node runs operations, so what is accepted waits: start one with worker in its --run.')
        }
      }
      const versions = [...new Set(alive.map(({ version }) => version))].sort()
      if (versions.length > 1) pen.note(`Nodes of several versions are alive: ${versions.join(', ')}.`)
      const gone = nodes.filter((node) => !isAlive(node))
      for (const { node, seenMs } of gone.slice(0, NAMED_MAX)) {
        pen.note(
          `Node ${node} was last seen ${Math.round(seenMs / 1000)} s ago and has not said goodbye: it died, or is cut off from the database.`,
          node,
        )
      }
      if (gone.length > NAMED_MAX) pen.note(`So were ${gone.length - NAMED_MAX} more.`)
      const named = alive.slice(0, NAMED_MAX).map(describe).join(', ') + (alive.length > NAMED_MAX ? ' and others' : '')
      return alive.length === 0 ? 'None is alive.' : `${alive.length} alive: ${named}.`
    },
  }
}

function isAlive({ seenMs }: SeenNode): boolean {
  return seenMs < ALIVE_MS
}

function describe({ node, isApi, isWorker, version }: SeenNode): string {
  const roles = [...(isApi ? ['api'] : []), ...(isWorker ? ['worker'] : [])]
  return `${node} (${[...roles, version].join(', ')})`
}
