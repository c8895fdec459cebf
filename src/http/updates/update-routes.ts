import Type from 'typebox'
import { AppError } from '../../domain/errors.ts'
import { jsonText } from '../../domain/json-text.ts'
import { LIMITS } from '../../domain/limits.ts'
import type { Update, UpdateFile } from '../../domain/update.ts'
import type { UpdateId } from '../../domain/update-id.ts'
import type { Database } from '../../ports/database.ts'
import { type Acceptance, acceptDeletion, acceptImport } from '../../services/operations/accept-operation.ts'
import { listFiles } from '../../store/updates/files.ts'
import { rememberEtags } from '../../store/updates/remember-etags.ts'
import {
  findUpdate,
  listNames,
  listProviders,
  listUpdates,
  listVersions,
  type Page,
} from '../../store/updates/updates.ts'
import { acceptedAt, entity, json, matches } from '../calls/answers.ts'
import type { Answer, ApiRoute, Call } from '../calls/call.ts'
import { readUpdateFilter } from '../calls/filters.ts'
import { nextLink, PAGE_SIZE, pageTokenReader } from '../calls/paging.ts'
import { accepted, describe, listed, one } from '../route-schemas.ts'
import type { Documents } from '../schemas.ts'
import { readImportBody } from './import-body.ts'
import { createRenderedBodies } from './rendered-bodies.ts'

/** What the original service sends with updates and files (recorded traffic, 2021). */
const CACHEABLE = { 'cache-control': 'max-age=60, private' }

const CACHE_CONTROL = { 'Cache-Control': { type: 'string', description: CACHEABLE['cache-control'] } }

const IMPORT =
  'Answers at once and goes on in the background. The body may be a list, a single input, or a list inside ' +
  '`importUpdateInput`, whatever the api-version.'

const filterOption = Type.Optional(Type.String({ description: '`isDeployable eq true` or `isDeployable eq false`.' }))

const closed = { additionalProperties: false }

const readTextsToken = pageTokenReader(Type.Object({ after: Type.String() }, closed))

const readVersionsToken = pageTokenReader(
  Type.Object({ after: Type.String(), filter: Type.Optional(Type.String()) }, closed),
)

const readUpdatesToken = pageTokenReader(
  Type.Object(
    {
      after: Type.Object({ providerKey: Type.String(), nameKey: Type.String(), versionOrder: Type.String() }, closed),
      filter: Type.Optional(Type.String()),
      search: Type.Optional(Type.String()),
    },
    closed,
  ),
)

/** Everything under `/updates` but operations. */
export function updateRoutes(acceptance: Acceptance, documents: Documents): ApiRoute[] {
  const { database } = acceptance
  const { group } = documents
  const findEtag = rememberEtags(database)
  const rendered = createRenderedBodies()
  const update = '/updates/providers/:provider/names/:name/versions/:version'

  async function importUpdate({ instance, dialect, body, caller }: Call): Promise<Answer> {
    const request = readImportBody(body, dialect)
    const operationId = await acceptImport(acceptance, { instance, request, caller })
    return acceptedAnswer(dialect, instance, operationId)
  }

  function answerUpdate(call: Call, etag: string | undefined): Answer | Promise<Answer> {
    if (etag === undefined) throw noUpdate(call)
    const headers = { etag, 'cache-control': CACHEABLE['cache-control'] }
    if (matches(etag, call.ifNoneMatch)) return { status: 304, headers }
    const key = `${call.dialect.name} ${etag}`
    const body = rendered.find(key)
    if (body !== undefined) return { status: 200, headers, body }
    return getUpdate(database, call).then((update) => {
      return { status: 200, headers, body: rendered.keep(key, jsonText(call.dialect.update(update))) }
    })
  }

  return [
    {
      method: 'POST',
      path: '/updates::import',
      permission: 'updates/write',
      schema: describe(
        {
          operationId: `${group}_ImportUpdate${group === 'DeviceUpdate' ? '' : 'ByVerb'}`,
          summary: 'Import Update',
          description: IMPORT,
        },
        accepted(documents, { body: documents.importBody }),
      ),
      handle: importUpdate,
    },
    {
      method: 'POST',
      path: '/updates',
      permission: 'updates/write',
      schema: describe(
        {
          operationId: `${group}_ImportUpdate${group === 'Updates' ? '' : 'ByAction'}`,
          summary: 'Import Update, as 2020-09-01 and 2021-06-01-preview write it',
          description: IMPORT,
        },
        accepted(documents, {
          body: documents.importBody,
          querystring: Type.Object({ action: Type.Enum(['import'], { type: 'string' }) }),
        }),
      ),
      async handle(call) {
        if (call.query.action?.toLowerCase() !== 'import') {
          throw new AppError('InvalidRequest', 'A POST to this path needs the query option action=import.', {
            target: 'action',
          })
        }
        return importUpdate(call)
      },
    },
    {
      method: 'GET',
      path: '/updates',
      permission: 'updates/read',
      schema: describe(
        { operationId: `${group}_ListUpdates`, summary: 'List Updates' },
        listed(
          documents.update,
          Type.Object({
            search: Type.Optional(
              Type.String({
                maxLength: LIMITS.searchLengthMax,
                description: 'Words that each begin a word of provider, name, version, description or friendly name.',
              }),
            ),
            filter: filterOption,
          }),
        ),
      ),
      async handle({ instance, dialect, query, ...call }) {
        const { after, filter, search } = readUpdatesToken(query.skipToken) ?? { ...query, after: undefined }
        const page = await listUpdates(database, {
          instance,
          search: readSearch(search),
          isDeployable: readUpdateFilter(filter),
          after,
          limit: PAGE_SIZE,
        })
        return json({
          value: page.items.map(dialect.update),
          nextLink: page.next && nextLink({ ...call, query }, { after: page.next, filter, search }),
        })
      },
    },
    {
      method: 'GET',
      path: '/updates/providers',
      permission: 'updates/read',
      schema: describe({ operationId: `${group}_ListProviders`, summary: 'List Providers' }, listed(Type.String())),
      async handle({ instance, query, ...call }) {
        const page = await listProviders(database, { instance, after: readAfter(query.skipToken), limit: PAGE_SIZE })
        return texts(page, { ...call, query })
      },
    },
    {
      method: 'GET',
      path: '/updates/providers/:provider/names',
      permission: 'updates/read',
      schema: describe({ operationId: `${group}_ListNames`, summary: 'List Names' }, listed(Type.String())),
      async handle({ instance, params, query, ...call }) {
        const { provider = '' } = params
        const after = readAfter(query.skipToken)
        const page = await listNames(database, { instance, provider, after, limit: PAGE_SIZE })
        if (page === undefined) throw new AppError('NotFound', `There is no provider ${quoted(provider)}.`)
        return texts(page, { ...call, query })
      },
    },
    {
      method: 'GET',
      path: '/updates/providers/:provider/names/:name/versions',
      permission: 'updates/read',
      schema: describe(
        { operationId: `${group}_ListVersions`, summary: 'List Versions, newest first' },
        listed(Type.String(), Type.Object({ filter: filterOption })),
      ),
      async handle({ instance, params, query, ...call }) {
        const { provider = '', name = '' } = params
        const { after, filter } = readVersionsToken(query.skipToken) ?? { ...query, after: undefined }
        const page = await listVersions(database, {
          instance,
          provider,
          name,
          isDeployable: readUpdateFilter(filter),
          after,
          limit: PAGE_SIZE,
        })
        if (page === undefined) throw new AppError('NotFound', `There is no update ${quoted(`${provider}/${name}`)}.`)
        return json({
          value: page.items,
          nextLink: page.next && nextLink({ ...call, query }, { after: page.next, filter }),
        })
      },
    },
    {
      method: 'GET',
      path: update,
      permission: 'updates/read',
      schema: describe(
        { operationId: `${group}_GetUpdate`, summary: 'Get Update' },
        one(documents.update, CACHE_CONTROL),
      ),
      handle: (call) => findEtag(call.instance, updateIdOf(call.params)).then((etag) => answerUpdate(call, etag)),
    },
    {
      method: 'DELETE',
      path: update,
      permission: 'updates/delete',
      schema: describe(
        {
          operationId: `${group}_DeleteUpdate`,
          summary: 'Delete Update',
          description: 'Children that nothing else references go with their parent. A child in use is not deleted.',
        },
        accepted(documents),
      ),
      async handle({ instance, dialect, params, caller }) {
        const updateId = updateIdOf(params)
        const operationId = await acceptDeletion(acceptance, { instance, updateId, caller })
        return acceptedAnswer(dialect, instance, operationId)
      },
    },
    {
      method: 'GET',
      path: `${update}/files`,
      permission: 'updates/read',
      schema: describe(
        { operationId: `${group}_ListFiles`, summary: 'List Files, by their ids' },
        listed(Type.String()),
      ),
      async handle(call) {
        const { files } = await getUpdateWithFiles(database, call)
        return json({ value: files.map(({ fileId }) => fileId) })
      },
    },
    {
      method: 'GET',
      path: `${update}/files/:fileId`,
      permission: 'updates/read',
      schema: describe({ operationId: `${group}_GetFile`, summary: 'Get File' }, one(documents.file, CACHE_CONTROL)),
      async handle(call) {
        const { files } = await getUpdateWithFiles(database, call)
        const file = files.find(({ fileId }) => fileId === call.params.fileId)
        if (file === undefined) throw new AppError('NotFound', 'The update has no file with this id.')
        return entity(file.etag, call.ifNoneMatch, () => call.dialect.file(file), CACHEABLE)
      },
    },
  ]
}

/** Finds the update that a path names. Throws `AppError('NotFound')`. */
async function getUpdate(database: Database, { instance, params }: Pick<Call, 'instance' | 'params'>): Promise<Update> {
  const update = await findUpdate(database, instance, updateIdOf(params))
  if (update === undefined) throw noUpdate({ params })
  return update
}

/** Finds the update that a path names and its files. Throws `AppError('NotFound')`. */
export async function getUpdateWithFiles(
  database: Database,
  call: Pick<Call, 'instance' | 'params'>,
): Promise<{ update: Update; files: UpdateFile[] }> {
  const update = await getUpdate(database, call)
  const files = await listFiles(database, update.id)
  if (files === undefined) throw noUpdate(call)
  return { update, files }
}

function noUpdate({ params }: Pick<Call, 'params'>): AppError {
  const { provider, name, version } = updateIdOf(params)
  return new AppError('NotFound', `There is no update ${quoted(`${provider}/${name}/${version}`)}.`)
}

function updateIdOf({ provider = '', name = '', version = '' }: Call['params']): UpdateId {
  return { provider, name, version }
}

function acceptedAnswer(dialect: Call['dialect'], instance: string, operationId: string): Answer {
  const location = dialect.operationPath(instance, operationId)
  return acceptedAt(location, dialect.sendsLocation ? { location } : {})
}

/** Longer ones would hold up everybody else: their words are compared with each other. */
function readSearch(search: string | undefined): string | undefined {
  if (search !== undefined && search.length > LIMITS.searchLengthMax) {
    throw new AppError('InvalidRequest', `search must not have more than ${LIMITS.searchLengthMax} characters.`, {
      target: 'search',
    })
  }
  return search?.trim() === '' ? undefined : search
}

function readAfter(skipToken: string | undefined): string | undefined {
  return readTextsToken(skipToken)?.after
}

function texts(page: Page<string, string>, call: Pick<Call, 'url' | 'query'>): Answer {
  return json({ value: page.items, nextLink: page.next && nextLink(call, { after: page.next }) })
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 200))
}
