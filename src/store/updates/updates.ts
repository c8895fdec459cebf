import type { BlobName } from '../../domain/blob.ts'
import { RawJson } from '../../domain/json-text.ts'
import type { Update } from '../../domain/update.ts'
import { identityKey, type UpdateId, versionKey } from '../../domain/update-id.ts'
import type { ScanResult } from '../../domain/verdict.ts'
import type { Database, Row, SqlValue } from '../../ports/database.ts'
import { searchWords } from './search-terms.ts'
import { SEARCH_BOUNDS, type SearchBounds, searchUpdates } from './search-updates.ts'
import { positionOf, type UpdatePosition } from './update-position.ts'

/** Finds an update by its identity. Letter case and leading zeros make no difference. */
export async function findUpdate(
  database: Database,
  instance: string,
  updateId: UpdateId,
): Promise<Update | undefined> {
  const key = keyOf(instance, updateId)
  if (key === undefined) return undefined
  const [row] = await database.query(FIND, key)
  return row && updateOf(row, await listParents(database, [String(row.id)]))
}

/** The ETag of an update, which changes with everything that an update answers; undefined if there is no such update. */
export function findUpdateEtag(database: Database, instance: string, updateId: UpdateId): Promise<string | undefined> {
  const key = keyOf(instance, updateId)
  if (key === undefined) return Promise.resolve(undefined)
  return database.query(FIND_ETAG, key).then(([row]) => row && String(row.etag))
}

const BY_KEY = 'instance = $1 and provider_key = $2 and name_key = $3 and version_order = $4'
const FIND = `select * from updates where ${BY_KEY}`
const FIND_ETAG = `select etag from updates where ${BY_KEY}`

/** What both are asked with; undefined where the version is none. */
function keyOf(instance: string, { provider, name, version }: UpdateId): SqlValue[] | undefined {
  const order = versionKey(version)
  return order === undefined ? undefined : [instance, identityKey(provider), identityKey(name), order]
}

/** A page of a list: the next one begins after `next`, which is absent on the last page. */
export interface Page<Item, Position> {
  items: Item[]
  next?: Position
}

interface UpdatesQuery {
  instance: string
  isDeployable?: boolean | undefined
  after?: UpdatePosition | undefined
  limit: number
}

/**
 * Updates by provider and name, newest version first. With `search`, a page may have less than `limit` and still a next one, as
 * `searchUpdates` says.
 */
export async function listUpdates(
  database: Database,
  query: UpdatesQuery & { search?: string | undefined },
  bounds: SearchBounds = SEARCH_BOUNDS,
): Promise<Page<Update, UpdatePosition>> {
  if (query.search !== undefined) return searchPage(database, { ...query, search: query.search }, bounds)
  const params: SqlValue[] = [query.instance]
  const bind = (value: SqlValue) => `$${params.push(value)}`
  let where = 'instance = $1'
  if (query.isDeployable !== undefined) where += ` and is_deployable = ${bind(query.isDeployable)}`
  if (query.after) {
    const { providerKey, nameKey, versionOrder } = query.after
    where += ` and (provider_key, name_key, version_order) > (${bind(providerKey)}, ${bind(nameKey)}, ${bind(versionOrder)})`
  }
  const rows = await database.query(
    `select * from updates where ${where} order by provider_key, name_key, version_order limit ${bind(query.limit + 1)}`,
    params,
  )
  const shown = rows.slice(0, query.limit)
  return page(await updatesOf(database, shown), rows.length > query.limit ? shown.at(-1) : undefined, positionOf)
}

async function searchPage(
  database: Database,
  { search, ...query }: UpdatesQuery & { search: string },
  bounds: SearchBounds,
): Promise<Page<Update, UpdatePosition>> {
  // A search that has not one word in it finds nothing, rather than everything.
  const words = searchWords(search)
  if (words.length === 0) return { items: [] }
  const { ids, ...rest } = await searchUpdates(database, { ...query, words }, bounds)
  if (ids.length === 0) return { items: [], ...rest }
  const rows = await database.query(
    `select * from updates where id in (${ids.map((_, i) => `$${i + 1}`).join(', ')})
      order by provider_key, name_key, version_order`,
    ids,
  )
  return { items: await updatesOf(database, rows), ...rest }
}

/** The providers of an instance in alphabetical order. Jumps from one to the next, however many updates each has. */
export async function listProviders(
  database: Database,
  query: { instance: string; after?: string | undefined; limit: number },
): Promise<Page<string, string>> {
  const rows = await database.query(
    `with recursive keys (key, number) as (
       select (select min(provider_key) from updates where instance = $1 and provider_key > $2), 1
       union all
       select (select min(provider_key) from updates where instance = $1 and provider_key > keys.key), number + 1
         from keys where keys.key is not null and number <= $3
     )
     select key, (select provider from updates where instance = $1 and provider_key = key
                   order by name_key, version_order limit 1) as title
       from keys where key is not null order by key`,
    [query.instance, query.after ?? '', query.limit],
  )
  return keyPage(rows, query.limit)
}

/** The names under one provider, likewise; undefined if there is no such provider. */
export async function listNames(
  database: Database,
  query: { instance: string; provider: string; after?: string | undefined; limit: number },
): Promise<Page<string, string> | undefined> {
  const rows = await database.query(
    `with recursive keys (key, number) as (
       select (select min(name_key) from updates where instance = $1 and provider_key = $4 and name_key > $2), 1
       union all
       select (select min(name_key) from updates
                where instance = $1 and provider_key = $4 and name_key > keys.key), number + 1
         from keys where keys.key is not null and number <= $3
     )
     select key, (select name from updates where instance = $1 and provider_key = $4 and name_key = key
                   order by version_order limit 1) as title
       from keys where key is not null order by key`,
    [query.instance, query.after ?? '', query.limit, identityKey(query.provider)],
  )
  if (rows.length === 0 && query.after === undefined) return undefined
  return keyPage(rows, query.limit)
}

/** The versions of one name, newest first; undefined if there is no such name. */
export async function listVersions(
  database: Database,
  query: {
    instance: string
    provider: string
    name: string
    isDeployable?: boolean | undefined
    after?: string | undefined
    limit: number
  },
): Promise<Page<string, string> | undefined> {
  const params: SqlValue[] = [query.instance, identityKey(query.provider), identityKey(query.name)]
  const bind = (value: SqlValue) => `$${params.push(value)}`
  const named = 'instance = $1 and provider_key = $2 and name_key = $3'
  let where = named
  if (query.isDeployable !== undefined) where += ` and is_deployable = ${bind(query.isDeployable)}`
  if (query.after !== undefined) where += ` and version_order > ${bind(query.after)}`
  const rows = await database.query(
    `select version_order as key, version as title from updates where ${where} order by version_order limit ${bind(query.limit + 1)}`,
    params,
  )
  // What is deleted between two pages ends the list.
  if (rows.length === 0 && query.after === undefined) {
    const [any] = await database.query(`select 1 as known from updates where ${named} limit 1`, params.slice(0, 3))
    if (any === undefined) return undefined
  }
  return keyPage(rows, query.limit)
}

function keyPage(rows: Row[], limit: number): Page<string, string> {
  const shown = rows.slice(0, limit)
  return page(
    shown.map((row) => String(row.title)),
    rows.length > limit ? shown.at(-1) : undefined,
    (row) => String(row.key),
  )
}

function page<Item, Position>(
  items: Item[],
  last: Row | undefined,
  positionOf: (row: Row) => Position,
): Page<Item, Position> {
  return { items, ...(last !== undefined && { next: positionOf(last) }) }
}

/** The updates that reference each of these, by the referenced one's `id`. */
async function listParents(database: Database, ids: readonly string[]): Promise<Map<string, UpdateId[]>> {
  const parents = new Map<string, UpdateId[]>()
  if (ids.length === 0) return parents
  const rows = await database.query(
    `select r.child_id, u.provider, u.name, u.version from update_references r join updates u on u.id = r.parent_id
      where r.child_id in (${ids.map((_, i) => `$${i + 1}`).join(', ')})
      order by u.provider_key, u.name_key, u.version_order`,
    ids,
  )
  for (const row of rows) {
    const childId = String(row.child_id)
    const list = parents.get(childId) ?? []
    list.push({ provider: String(row.provider), name: String(row.name), version: String(row.version) })
    parents.set(childId, list)
  }
  return parents
}

/** The `id`s of the updates that this one references. */
export async function listChildIds(database: Database, id: string): Promise<string[]> {
  const rows = await database.query('select child_id from update_references where parent_id = $1 order by child_id', [
    id,
  ])
  return rows.map((row) => String(row.child_id))
}

/** The updates that this one references, by provider and name. */
export async function listChildren(database: Database, id: string): Promise<UpdateId[]> {
  const rows = await database.query(
    `select u.provider, u.name, u.version from update_references r join updates u on u.id = r.child_id
      where r.parent_id = $1 order by u.provider_key, u.name_key, u.version_order`,
    [id],
  )
  return rows.map((row) => ({ provider: String(row.provider), name: String(row.name), version: String(row.version) }))
}

/** Where the bytes of the manifest are that an update was imported with; undefined if the update is not there. */
export async function findManifestBlob(database: Database, id: string): Promise<BlobName | undefined> {
  const [row] = await database.query(
    'select b.name as blob from updates u join blobs b on b.sha256 = u.manifest_sha256 where u.id = $1',
    [id],
  )
  return row && (String(row.blob) as BlobName)
}

/** The digest of the manifest that an update was imported with, in hex. */
export async function findManifestSha256(database: Database, id: string): Promise<string | undefined> {
  const [row] = await database.query('select manifest_sha256 from updates where id = $1', [id])
  return row && String(row.manifest_sha256)
}

async function updatesOf(database: Database, rows: readonly Row[]): Promise<Update[]> {
  const parents = await listParents(
    database,
    rows.map((row) => String(row.id)),
  )
  return rows.map((row) => updateOf(row, parents))
}

function updateOf(row: Row, parents: ReadonlyMap<string, UpdateId[]>): Update {
  return {
    id: String(row.id),
    updateId: { provider: String(row.provider), name: String(row.name), version: String(row.version) },
    ...(row.description !== null && { description: String(row.description) }),
    ...(row.friendly_name !== null && { friendlyName: String(row.friendly_name) }),
    isDeployable: Boolean(row.is_deployable),
    ...(row.update_type !== null && { updateType: String(row.update_type) }),
    ...(row.installed_criteria !== null && { installedCriteria: String(row.installed_criteria) }),
    compatibility: new RawJson(String(row.compatibility)),
    ...(row.steps !== null && { steps: new RawJson(String(row.steps)) }),
    referencedBy: parents.get(String(row.id)) ?? [],
    scanResult: String(row.scan_result) as ScanResult,
    manifestVersion: String(row.manifest_version),
    importedAt: Number(row.imported_at),
    createdDateTime: String(row.created_date_time),
    operationId: String(row.operation_id),
    etag: String(row.etag),
  }
}
