import type { Static, TSchema } from 'typebox'
import { Compile, type Validator } from 'typebox/compile'
import { AppError } from '../../domain/errors.ts'

/** Entries of one page. */
export const PAGE_SIZE = 100

/**
 * Cuts a page from what was found when one more than `limit` was asked for: what it shows, and the last of that where a next page goes
 * on behind it.
 */
export function cutPage<Item>(found: readonly Item[], limit = PAGE_SIZE): { shown: Item[]; last: Item | undefined } {
  const shown = found.slice(0, limit)
  return { shown, last: found.length > limit ? shown.at(-1) : undefined }
}

/**
 * Where the next page begins, and what is listed, as an opaque token of `[A-Za-z0-9_-]`. The question travels inside the token, not
 * beside it: the Python client decodes a next link and sends it again without encoding it, so a filter with blanks would break,
 * and braces would make it loop for ever.
 */
export function pageToken(state: object): string {
  return Buffer.from(JSON.stringify(state)).toString('base64url')
}

/**
 * Makes a reader of the tokens of one list, which must be what the list wrote into them, since they went through the caller's hands.
 * The reader throws `AppError('InvalidRequest')` for any other, and answers undefined where there is none.
 */
export function pageTokenReader<State extends TSchema>(
  state: State,
): (token: string | undefined) => Static<State> | undefined {
  const validator: Validator<Record<never, never>, State> = Compile(state)
  return (token) => {
    if (token === undefined) return undefined
    const value = parsed(token)
    if (validator.Check(value)) return value as Static<State>
    throw new AppError('InvalidRequest', 'The paging token is not one of this list; begin the list again.', {
      target: 'skipToken',
    })
  }
}

function parsed(token: string): unknown {
  try {
    return JSON.parse(Buffer.from(token, 'base64url').toString())
  } catch {
    return undefined
  }
}

/** The address of the next page: the same path, relative, in the caller's own `api-version`. */
export function nextLink({ url, query }: { url: string; query: { apiVersion?: string } }, state: object): string {
  const version = query.apiVersion === undefined ? '' : `api-version=${encodeURIComponent(query.apiVersion)}&`
  const [path] = url.split('?', 1)
  return `${path}?${version}skipToken=${pageToken(state)}`
}
