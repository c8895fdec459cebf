import { after, describe, test } from 'node:test'
import { openHttpSource } from '../../src/adapters/source/source-http.ts'
import { createSourcePolicy, parseAllowedSource } from '../../src/adapters/source/source-policy.ts'
import { startSource } from '../support/misbehaving-source.ts'
import { failAtEveryCall } from './fail-at-every-call.ts'
import { faultScenarios } from './fault-scenarios.ts'

/** Tests every scenario, once with calls that fail and once with answers that are lost; of the long ones only `every` so many-th call. */
export async function testFaultScenarios({ every }: { every: number }): Promise<void> {
  const source = await startSource()
  const policy = createSourcePolicy([parseAllowedSource('127.0.0.0/8')])
  const http = openHttpSource({ policy, version: '0.0.0', limits: {} })
  after(async () => {
    await http.close()
    await source[Symbol.asyncDispose]()
  })

  describe('whatever call fails, the data stays sound, and doing it again does it:', () => {
    for (const scenario of faultScenarios(source, http.open)) {
      const step = scenario.isLong ? every : 1
      test(`${scenario.name}, nothing done`, async (context) => {
        const calls = await failAtEveryCall(scenario, { fate: 'fail-before', every: step })
        context.diagnostic(`${calls} calls, every ${step}.`)
      })
      test(`${scenario.name}, the answer lost`, async (context) => {
        // Where not all are taken, others than above.
        const first = 1 + Math.floor(step / 2)
        const calls = await failAtEveryCall(scenario, { fate: 'fail-after', first, every: step })
        context.diagnostic(`${calls} calls, every ${step}.`)
      })
    }
  })
}
