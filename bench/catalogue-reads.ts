import { join } from 'node:path'
import { openSqlite } from '../src/adapters/sqlite/database-sqlite.ts'
import { pageToken } from '../src/http/calls/paging.ts'
import type { Row } from '../src/ports/database.ts'
import { CORE, INSTANCES } from './fill-catalogue.ts'

/** One kind of question about a catalogue. `path` answers another address each time, spread over the whole catalogue. */
export interface Read {
  title: string
  path(index: number): string
}

const SAMPLES = 400
const INSTANCE = INSTANCES[0]!

/** Every read of the API, for the first instance of a filled catalogue. Looks into its database to know what to ask for. */
export async function catalogueReads(folder: string): Promise<Read[]> {
  const database = openSqlite(join(folder, 'aduana.db'), { readOnly: true })
  const rows = (sql: string, ...params: (string | number)[]) => database.query(sql, [INSTANCE, ...params])
  const [{ count }] = (await rows('select count(*) as count from updates where instance = $1')) as [Row]
  const step = Math.max(1, Math.floor(Number(count) / SAMPLES))
  const updates = (await rows(
    `select * from (select id, provider, name, version, provider_key, name_key, version_order,
       row_number() over (order by provider_key, name_key, version_order) as number from updates where instance = $1)
      where number % $2 = 0`,
    step,
  )) as Record<string, string>[]
  const files = (await Promise.all(
    updates.map(
      async ({ id = '' }) => (await database.query('select file_id from files where update_id = $1 limit 1', [id]))[0],
    ),
  )) as { file_id: string }[]
  const operations = (await rows('select id from operations where instance = $1 order by id limit $2', SAMPLES)) as {
    id: string
  }[]
  const [last] = (await rows(
    `select provider_key, name_key, version_order from updates where instance = $1
      order by provider_key desc, name_key desc, version_order desc limit 1 offset 100`,
  )) as Record<string, string>[]
  await database.close()

  const base = `/deviceUpdate/${INSTANCE}/updates`
  const address = (rest: string, query: Record<string, string> = {}) =>
    `${base}${rest}?${new URLSearchParams({ 'api-version': '2022-10-01', ...query })}`
  const each = (make: (index: number) => string) => (index: number) => make((index * 7919) % updates.length)
  const same = (path: string) => () => path
  const updatePath = (index: number) => {
    const { provider, name, version } = updates[index]!
    return `/providers/${provider}/names/${name}/versions/${version}`
  }
  const pageAfter = ({ provider_key, name_key, version_order }: Record<string, string> = {}, more: object = {}) =>
    pageToken({ after: { providerKey: provider_key, nameKey: name_key, versionOrder: version_order }, ...more })
  const ofCore = `/providers/${CORE.provider}/names`
  const middle = updates[Math.floor(updates.length / 2)]

  return [
    { title: 'Get Update', path: each((index) => address(updatePath(index))) },
    { title: 'Get Update with content', path: each((index) => `/aduana/v1/${INSTANCE}/updates${updatePath(index)}`) },
    { title: 'Get File', path: each((index) => address(`${updatePath(index)}/files/${files[index]!.file_id}`)) },
    { title: 'List Files', path: each((index) => address(`${updatePath(index)}/files`)) },
    { title: 'Get Operation', path: (index) => address(`/operations/${operations[index % operations.length]!.id}`) },
    { title: 'List Operations', path: same(address('/operations')) },
    {
      title: 'List Operations in progress',
      path: same(address('/operations', { filter: "status eq 'NotStarted' or status eq 'Running'" })),
    },
    { title: 'List Operations that failed', path: same(address('/operations', { filter: "status eq 'Failed'" })) },
    { title: 'List Providers', path: same(address('/providers')) },
    { title: 'List Names', path: same(address(ofCore)) },
    { title: 'List Versions', path: same(address(`${ofCore}/${CORE.name}/versions`)) },
    {
      title: 'List Versions that are deployable',
      path: same(address(`${ofCore}/${CORE.name}/versions`, { filter: 'isDeployable eq true' })),
    },
    { title: 'List Updates, first page', path: same(address('')) },
    { title: 'List Updates, a page in the middle', path: same(address('', { skipToken: pageAfter(middle) })) },
    { title: 'List Updates, last page', path: same(address('', { skipToken: pageAfter(last) })) },
    { title: 'List Updates that are not deployable', path: same(address('', { filter: 'isDeployable eq false' })) },
    { title: 'Search, a rare word', path: same(address('', { search: CORE.rareWord })) },
    { title: 'Search, a word of every tenth update', path: same(address('', { search: CORE.commonWord })) },
    {
      title: 'Search, a rare and a common word',
      path: same(address('', { search: `${CORE.commonWord} ${CORE.rareWord}` })),
    },
    {
      title: 'Search with filter',
      path: same(address('', { search: CORE.rareWord, filter: 'isDeployable eq false' })),
    },
    {
      title: 'Search, second page of a common word',
      path: same(address('', { skipToken: pageAfter(middle, { search: CORE.commonWord }) })),
    },
  ]
}
