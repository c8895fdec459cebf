import { AppError } from '../../domain/errors.ts'
import { dialect2021 } from './2021.ts'
import { dialect2022 } from './2022.ts'
import type { Dialect } from './dialect.ts'
import { v2 } from './v2.ts'

/** What a caller gets who names no version: the newest generally available one. */
const NEWEST = '2022-10-01'

const V2 = v2()

/**
 * The dialect that a request speaks: `/v2` in the path or `api-version=2` is the private preview; a date of 2021 is that preview;
 * every later date is served as the newest known one, so that a new client release never stops working.
 *
 * Throws `AppError('UnsupportedApiVersion')` for anything else.
 */
export function chooseDialect(isV2Path: boolean, apiVersion: string = NEWEST): Dialect {
  if (isV2Path || apiVersion === '2') return V2
  let dialect = chosen.get(apiVersion)
  if (dialect === undefined) {
    dialect = dialectOf(apiVersion)
    // There are few real dates, but anybody may make some up.
    if (chosen.size < 100) chosen.set(apiVersion, dialect)
  }
  return dialect
}

const chosen = new Map<string, Dialect>()

function dialectOf(apiVersion: string): Dialect {
  if (/^2021-\d\d-\d\d(-[a-z]+)?$/i.test(apiVersion)) return dialect2021(apiVersion)
  if (/^20(2[2-9]|[3-9]\d)-\d\d-\d\d(-[a-z]+)?$/i.test(apiVersion)) return dialect2022(apiVersion)
  throw new AppError(
    'UnsupportedApiVersion',
    `The api-version ${JSON.stringify(apiVersion.slice(0, 40))} is not known; use 2022-10-01, 2021-06-01-preview, or the /v2 path.`,
    { target: 'api-version' },
  )
}
