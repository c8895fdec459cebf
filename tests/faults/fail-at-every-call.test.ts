// A part of the calls, for every day; all of them are in the long test beside.
import { testFaultScenarios } from './run-fault-scenarios.ts'

await testFaultScenarios({ every: 8 })
