import Type from 'typebox'
import { AppError } from '../../domain/errors.ts'
import type { Operation } from '../../domain/operation.ts'
import type { OperationPosition } from '../../store/operations/operations.ts'
import { cutPage, PAGE_SIZE } from '../calls/paging.ts'

const TOP_MAX = 999_999_999

/** The query option that bounds a list of operations. */
export const topOption = Type.Optional(
  Type.Integer({ minimum: 0, maximum: TOP_MAX, description: 'The length of the whole list.' }),
)

/** What the token of a page has besides what is listed. */
export const pageMembers = {
  after: Type.Object(
    {
      createdAt: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
      operationId: Type.String(),
    },
    { additionalProperties: false },
  ),
  top: Type.Optional(Type.Integer({ minimum: 1, maximum: TOP_MAX })),
}

/** Reads how long a whole list may be. Throws `AppError('InvalidRequest')`. */
export function readTop(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new AppError('InvalidRequest', 'top must be a whole number, 0 or more.', { target: 'top' })
}

/**
 * A page of operations, and where the next one begins; absent on the last one. `top` bounds the whole list, not the page: a recorded
 * `$top=1` had no next link. `list` answers as many as it is asked for, if there are so many.
 */
export async function pageOfOperations(
  top: number | undefined,
  list: (limit: number) => Promise<Operation[]>,
): Promise<{ shown: Operation[]; next: { after: OperationPosition; top: number | undefined } | undefined }> {
  const limit = Math.min(PAGE_SIZE, top ?? PAGE_SIZE)
  const { shown, last } = cutPage(await list(limit + 1), limit)
  const topLeft = top === undefined ? undefined : top - shown.length
  if (last === undefined || topLeft === 0) return { shown, next: undefined }
  return { shown, next: { after: { createdAt: last.createdAt, operationId: last.operationId }, top: topLeft } }
}
