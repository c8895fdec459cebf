import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { chooseDialect } from './choose.ts'

const OPERATION_ID = '00000000-0000-4000-8000-000000000001'

function locationFor(isV2Path: boolean, apiVersion: string | undefined): string {
  return chooseDialect(isV2Path, apiVersion).operationPath('blue', OPERATION_ID)
}

describe('the dialect', () => {
  const cases: [boolean, string | undefined, string][] = [
    [true, undefined, `/deviceupdate/blue/v2/updates/operations/${OPERATION_ID}`],
    [true, '2022-10-01', `/deviceupdate/blue/v2/updates/operations/${OPERATION_ID}`],
    [true, 'anything', `/deviceupdate/blue/v2/updates/operations/${OPERATION_ID}`],
    [false, '2', `/deviceupdate/blue/v2/updates/operations/${OPERATION_ID}`],
    [
      false,
      '2021-06-01-preview',
      `/deviceupdate/blue/updates/operations/${OPERATION_ID}?api-version=2021-06-01-preview`,
    ],
    [false, '2021-06-01-draft', `/deviceupdate/blue/updates/operations/${OPERATION_ID}?api-version=2021-06-01-draft`],
    [false, undefined, `/deviceUpdate/blue/updates/operations/${OPERATION_ID}?api-version=2022-10-01`],
    ...['2022-07-01-preview', '2022-10-01', '2023-10-01-preview', '2024-07-01-draft', '2026-06-01', '2099-12-31'].map(
      (version): [boolean, string, string] => [
        false,
        version,
        `/deviceUpdate/blue/updates/operations/${OPERATION_ID}?api-version=${version}`,
      ],
    ),
  ]
  for (const [isV2Path, apiVersion, location] of cases) {
    test(`of ${isV2Path ? '/v2 with ' : ''}api-version=${apiVersion} points to ${location}`, () => {
      assert.equal(locationFor(isV2Path, apiVersion), location)
    })
  }

  for (const apiVersion of [
    '',
    '1',
    '2020-09-01',
    'v2',
    '2022',
    '2022-10',
    '2022-10-01-',
    '2022-10-01&x=1',
    'latest',
  ]) {
    test(`of api-version=${apiVersion} is refused with the versions that work`, () => {
      assert.throws(() => chooseDialect(false, apiVersion), {
        code: 'UnsupportedApiVersion',
        message: /2022-10-01, 2021-06-01-preview, or the \/v2 path/,
      })
    })
  }
})
