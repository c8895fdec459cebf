import { testModel } from './test-model.ts'

await testModel({ runs: 15, every: 6 })
