import type { StoreUpkeep } from '../../ports/upkeep.ts'
import type { Step } from './step.ts'

/** Whether the store can take in and give out bytes at all. */
export function checkStore(upkeep: StoreUpkeep): Step {
  return {
    name: 'store',
    title: 'Store',
    needs: [],
    async run(pen) {
      for (const flaw of await upkeep.flaws()) pen.problem(flaw)
      return 'Its folders were looked at.'
    },
  }
}
