import type { Row } from '../../ports/database.ts'

/** Where a page of List Updates begins: after this update. */
export interface UpdatePosition {
  providerKey: string
  nameKey: string
  versionOrder: string
}

/** Before every update. */
export const START: UpdatePosition = { providerKey: '', nameKey: '', versionOrder: '' }

/** The position of a row with the columns that `updates` and `update_terms` have for it. */
export function positionOf(row: Row): UpdatePosition {
  return {
    providerKey: String(row.provider_key),
    nameKey: String(row.name_key),
    versionOrder: String(row.version_order),
  }
}
