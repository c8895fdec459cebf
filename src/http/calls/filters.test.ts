import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readOperationFilter, readUpdateFilter } from './filters.ts'

const refused = { code: 'InvalidRequest', target: 'filter' }

describe('the filter of updates and versions', () => {
  const good: [string | undefined, boolean | undefined][] = [
    [undefined, undefined],
    ['', undefined],
    ['  ', undefined],
    ['isDeployable eq true', true],
    ['isDeployable eq false', false],
    ['  ISDEPLOYABLE   EQ   FALSE ', false],
  ]
  for (const [filter, isDeployable] of good) {
    test(`${JSON.stringify(filter)} asks for ${isDeployable}`, () => {
      assert.equal(readUpdateFilter(filter), isDeployable)
    })
  }

  for (const filter of ['isDeployable', 'isDeployable eq 1', "isDeployable eq 'true'", 'not isDeployable', 'true']) {
    test(`${filter} is refused`, () => assert.throws(() => readUpdateFilter(filter), refused))
  }
})

describe('the filter of operations', () => {
  const good: [string | undefined, string[] | undefined][] = [
    [undefined, undefined],
    [' ', undefined],
    ["status eq 'NotStarted' or status eq 'Running'", ['NotStarted', 'Running']],
    ["status eq 'Running' or status eq 'NotStarted'", ['Running', 'NotStarted']],
    ["status eq 'Running'", ['Running']],
    ["STATUS EQ 'failed' OR status eq 'SUCCEEDED'", ['Failed', 'Succeeded']],
    ["status eq 'Running' or status eq 'running'", ['Running']],
  ]
  for (const [filter, statuses] of good) {
    test(`${JSON.stringify(filter)} asks for ${statuses?.join(', ')}`, () => {
      assert.deepEqual(readOperationFilter(filter), statuses)
    })
  }

  for (const filter of [
    'status eq Running',
    "status eq 'Canceled'",
    "status eq 'Undefined'",
    "status ne 'Running'",
    "status eq 'Running' and status eq 'Failed'",
    "status eq 'Running' or",
    "status eq 'constructor'",
    "status eq 'Running' or ".repeat(10_000),
  ]) {
    test(`${filter.slice(0, 60)} is refused`, () => assert.throws(() => readOperationFilter(filter), refused))
  }
})
