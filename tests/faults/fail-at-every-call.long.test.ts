import { testFaultScenarios } from './run-fault-scenarios.ts'

await testFaultScenarios({ every: 1 })
