import { setImmediate } from 'node:timers/promises'
import type { Database, SqlValue } from '../../ports/database.ts'
import { positionOf, START, type UpdatePosition } from './update-position.ts'

/** How much one search may read, in rows. */
export interface SearchBounds {
  /** What is sought begins at most so many different words if their updates are to be read word by word, merged. */
  termsMax: number
  /** What begins more words than that is read as a whole and sorted if it has at most so many entries. */
  sortedMax: number
  /** In one go, which holds up everybody else on SQLite. */
  stepMax: number
  /** Of one page, which ends early when so many were read. */
  pageMax: number
}

/** At a million updates a row takes some 10 microseconds for each further word, of which there are seven at most. */
export const SEARCH_BOUNDS: SearchBounds = { termsMax: 128, sortedMax: 4000, stepMax: 500, pageMax: 16_000 }

/** A way through the catalogue, in the order of List Updates, that comes past every match. */
interface Trail {
  /** Reads on after `$2, $3, $4`, at most `$5` rows, `fits` in each; the same update may come twice. */
  sql: string
  /** From `$6` on. */
  params: SqlValue[]
}

interface Criteria {
  /** Each must begin a word of the update; made by `searchWords`. */
  words: readonly string[]
  isDeployable?: boolean | undefined
}

interface SearchQuery extends Criteria {
  instance: string
  after?: UpdatePosition | undefined
  limit: number
}

const PLACE = 'provider_key, name_key, version_order'
const AFTER = `instance = $1 and (${PLACE}) > ($2, $3, $4)`

/**
 * Finds the `id`s of updates that have every word. A page may have less than `limit` of them, or none, and still a next one: where
 * words are common but seldom meet, it ends when its share of the catalogue was looked through.
 */
export async function searchUpdates(
  database: Database,
  { instance, after = START, limit, ...criteria }: SearchQuery,
  { stepMax, pageMax, ...bounds }: SearchBounds,
): Promise<{ ids: string[]; next?: UpdatePosition }> {
  const trails = await findTrails(database, { instance, ...criteria }, bounds)
  const found = new Map<string, UpdatePosition>()
  let position = after
  let read = 0
  let readInTurn = 0
  // Room for updates that come twice.
  let size = Math.min(2 * (limit + 1), stepMax)
  for (let step = 0; ; step += 1) {
    // By turns: each trail leaps over what is only on the others, and the shortest is soon at its end.
    const trail = trails[step % trails.length]
    if (trail === undefined) return { ids: [] }
    // SQLite answers at once: without a pause nobody else would have a turn before the page is full.
    if (readInTurn + size > stepMax) {
      await setImmediate()
      readInTurn = 0
    }
    const { providerKey, nameKey, versionOrder } = position
    const rows = await database.query(trail.sql, [instance, providerKey, nameKey, versionOrder, size, ...trail.params])
    for (const row of rows) if (row.fits) found.set(String(row.update_id), positionOf(row))
    const ids = [...found.keys()].slice(0, limit)
    const next = found.size > limit ? found.get(ids.at(-1) ?? '') : undefined
    if (next !== undefined) return { ids, next }

    const last = rows.at(-1)
    if (last === undefined || rows.length < size) return { ids }
    position = positionOf(last)
    read += rows.length
    readInTurn += rows.length
    if (read >= pageMax) return { ids, next: position }
    size = Math.min(nextSize({ size, read, found: found.size, limit }), stepMax)
  }
}

/** As much as the rest of the page needs if matches are as frequent as before, and some more; twice as much as last time at most. */
function nextSize({ size, read, found, limit }: { size: number; read: number; found: number; limit: number }): number {
  const expected = Math.ceil((1.25 * (limit + 1 - found) * read) / found)
  return Math.min(Math.max(expected, limit + 1), 2 * size)
}

/** None if there is a word that nothing has. */
async function findTrails(
  database: Database,
  { instance, words, isDeployable }: Criteria & { instance: string },
  { termsMax, sortedMax }: Pick<SearchBounds, 'termsMax' | 'sortedMax'>,
): Promise<Trail[]> {
  const trails: Trail[] = []
  for (const word of words) {
    const rest = { words: words.filter((other) => other !== word), isDeployable }
    const terms = await listTerms(database, { instance, word, limit: termsMax + 1 })
    if (terms.length === 0) return []
    if (terms.length <= termsMax) trails.push(alongTerms(terms, rest))
    else if (await hasAtMost(database, { instance, word, max: sortedMax })) trails.push(alongWord(word, rest))
  }
  // The filter may be what lets the fewest through. What begins a word of nearly every update, such as "a", makes no trail of its own.
  if (trails.length === 0 || isDeployable !== undefined) trails.push(alongUpdates(words, isDeployable))
  return trails
}

/** Merges the updates of some words, each of which the index has in order, without reading more than is asked for. */
function alongTerms(terms: readonly string[], rest: Criteria): Trail {
  // Empty words, which nothing has, fill up to the next power of two, since a database may keep the plan of each statement it sees.
  const empty = 2 ** Math.ceil(Math.log2(terms.length)) - terms.length
  return trailOf(rest, (bind) =>
    [...terms, ...Array<string>(empty).fill('')]
      .map(
        (term) => `select ${PLACE}, is_deployable, update_id from update_terms where ${AFTER} and term = ${bind(term)}`,
      )
      .join(' union all '),
  )
}

/** Sorts all that a word begins, which is little. */
function alongWord(word: string, rest: Criteria): Trail {
  return trailOf(
    rest,
    (bind) =>
      `select ${PLACE}, is_deployable, update_id from update_terms where ${AFTER} and ${beginsWith(word, bind)}`,
  )
}

/** Goes through all updates that the filter lets through. */
function alongUpdates(words: readonly string[], isDeployable: boolean | undefined): Trail {
  return trailOf({ words }, (bind) => {
    const filter = isDeployable === undefined ? '' : ` and is_deployable = ${bind(isDeployable)}`
    return `select ${PLACE}, is_deployable, id as update_id from updates where ${AFTER}${filter}`
  })
}

/** `rest` is what the source has not looked at. */
function trailOf({ words, isDeployable }: Criteria, source: (bind: Bind) => string): Trail {
  const params: SqlValue[] = []
  const bind: Bind = (value) => `$${params.push(value) + 5}`
  const from = `(${source(bind)} order by ${PLACE} limit $5) c`
  const fits = isDeployable === undefined ? [] : [`is_deployable = ${bind(isDeployable)}`]
  for (const word of words) {
    fits.push(`exists (select 1 from update_terms where update_id = c.update_id and ${beginsWith(word, bind)})`)
  }
  return { sql: `select c.*, ${fits.join(' and ') || 'true'} as fits from ${from} order by ${PLACE}`, params }
}

/** Binds a value and answers its placeholder. */
type Bind = (value: SqlValue) => string

function beginsWith(word: string, bind: Bind): string {
  const [from, to] = rangeOf(word)
  return `term >= ${bind(from)} and term < ${bind(to)}`
}

/** The different words that begin with one. Jumps from one to the next, however many updates have it. */
async function listTerms(
  database: Database,
  { instance, word, limit }: { instance: string; word: string; limit: number },
): Promise<string[]> {
  const rows = await database.query(
    `with recursive terms (term, number) as (
       select (select min(term) from update_terms where instance = $1 and term >= $2 and term < $3), 1
       union all
       select (select min(term) from update_terms where instance = $1 and term > terms.term and term < $3), number + 1
         from terms where terms.term is not null and number < $4
     )
     select term from terms where term is not null`,
    [instance, ...rangeOf(word), limit],
  )
  return rows.map((row) => String(row.term))
}

async function hasAtMost(
  database: Database,
  { instance, word, max }: { instance: string; word: string; max: number },
): Promise<boolean> {
  const [row] = await database.query(
    `select count(*) as number from
       (select 1 as one from update_terms where instance = $1 and term >= $2 and term < $3 limit $4) as entries`,
    [instance, ...rangeOf(word), max + 1],
  )
  return Number(row?.number) <= max
}

/** Words that begin with this one are from the first text on and before the second. */
function rangeOf(word: string): [string, string] {
  return [word, `${word}\u{10ffff}`]
}
