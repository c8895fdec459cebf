import { testModel } from './test-model.ts'

await testModel({ runs: 150, every: 1 })
