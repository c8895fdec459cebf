import Type from 'typebox'
import { AppError } from '../domain/errors.ts'
import type { Update } from '../domain/update.ts'
import type { UpdateId } from '../domain/update-id.ts'
import type { Database } from '../ports/database.ts'
import { acceptDeletion, acceptImport } from '../services/accept-operation.ts'
import { listFiles } from '../store/files.ts'
import {
  findUpdate,
  listNames,
  listProviders,
  listUpdates,
  listVersions,
  type Page,
  type UpdatePosition,
} from '../store/updates.ts'
import { entity, json } from './answers.ts'
import type { Answer, ApiRoute, Call } from './call.ts'
import { readUpdateFilter } from './filters.ts'
import { readImportBody } from './import-body.ts'
import { nextLink, PAGE_SIZE, readPageToken } from './paging.ts'
import { accepted, describe, fileList, listed, one } from './route-schemas.ts'
import type { Documents } from './schemas.ts'

/** What the original service sends with updates and files (recorded traffic, 2021). */
const CACHEABLE = { 'cache-control': 'max-age=60, private' }

/** Everything under `/updates` but operations. */
export function updateRoutes(
  { database, wake }: { database: Database; wake: () => void },
  documents: Documents,
): ApiRoute[] {
  const update = '/updates/providers/:provider/names/:name/versions/:version'

  async function importUpdate({ instance, dialect, body, caller }: Call): Promise<Answer> {
    const request = readImportBody(body, dialect)
    const operationId = await acceptImport({ database, wake }, { instance, request, caller })
    return acceptedAnswer(dialect, instance, operationId)
  }

  return [
    {
      method: 'POST',
      path: '/updates::import',
      permission: 'updates/write',
      schema: describe('Import Update', accepted, { body: documents.importBody }),
      handle: importUpdate,
    },
    {
      method: 'POST',
      path: '/updates',
      permission: 'updates/write',
      schema: describe('Import Update (action=import)', accepted, {
        body: documents.importBody,
        querystring: Type.Object({ action: Type.Literal('import') }),
      }),
      handle(call) {
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
      schema: describe('List Updates', listed(documents.update), {
        querystring: Type.Object({ search: Type.Optional(Type.String()), filter: Type.Optional(Type.String()) }),
      }),
      async handle({ instance, dialect, query, ...call }) {
        type State = { after?: UpdatePosition; filter?: string; search?: string }
        const state = readPageToken<State>(query.skipToken) ?? query
        const { filter, search } = state
        const page = await listUpdates(database, {
          instance,
          search: search?.trim() === '' ? undefined : search,
          isDeployable: readUpdateFilter(filter),
          after: 'after' in state ? state.after : undefined,
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
      schema: describe('List Providers', listed(Type.String())),
      async handle({ instance, query, ...call }) {
        const page = await listProviders(database, { instance, after: readAfter(query.skipToken), limit: PAGE_SIZE })
        return texts(page, { ...call, query })
      },
    },
    {
      method: 'GET',
      path: '/updates/providers/:provider/names',
      permission: 'updates/read',
      schema: describe('List Names', listed(Type.String())),
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
      schema: describe('List Versions', listed(Type.String()), {
        querystring: Type.Object({ filter: Type.Optional(Type.String()) }),
      }),
      async handle({ instance, params, query, ...call }) {
        const { provider = '', name = '' } = params
        const state = readPageToken<{ after?: string; filter?: string }>(query.skipToken) ?? { filter: query.filter }
        const page = await listVersions(database, {
          instance,
          provider,
          name,
          isDeployable: readUpdateFilter(state.filter),
          after: 'after' in state ? state.after : undefined,
          limit: PAGE_SIZE,
        })
        if (page === undefined) throw new AppError('NotFound', `There is no update ${quoted(`${provider}/${name}`)}.`)
        return json({
          value: page.items,
          nextLink: page.next && nextLink({ ...call, query }, { after: page.next, filter: state.filter }),
        })
      },
    },
    {
      method: 'GET',
      path: update,
      permission: 'updates/read',
      schema: describe('Get Update', one(documents.update)),
      async handle(call) {
        const found = await getUpdate(database, call)
        return entity(found.etag, call.ifNoneMatch, () => call.dialect.update(found), CACHEABLE)
      },
    },
    {
      method: 'DELETE',
      path: update,
      permission: 'updates/delete',
      schema: describe('Delete Update', accepted),
      async handle({ instance, dialect, params, caller }) {
        const updateId = updateIdOf(params)
        const operationId = await acceptDeletion({ database, wake }, { instance, updateId, caller })
        return acceptedAnswer(dialect, instance, operationId)
      },
    },
    {
      method: 'GET',
      path: `${update}/files`,
      permission: 'updates/read',
      schema: describe('List Files', fileList),
      async handle(call) {
        const files = await listFiles(database, (await getUpdate(database, call)).id)
        return json({ value: files.map(({ fileId }) => fileId) })
      },
    },
    {
      method: 'GET',
      path: `${update}/files/:fileId`,
      permission: 'updates/read',
      schema: describe('Get File', one(documents.file)),
      async handle(call) {
        const files = await listFiles(database, (await getUpdate(database, call)).id)
        const file = files.find(({ fileId }) => fileId === call.params.fileId)
        if (file === undefined) throw new AppError('NotFound', 'The update has no file with this id.')
        return entity(file.etag, call.ifNoneMatch, () => call.dialect.file(file), CACHEABLE)
      },
    },
  ]
}

/** Finds the update that a path names. Throws `AppError('NotFound')`. */
export async function getUpdate(
  database: Database,
  { instance, params }: Pick<Call, 'instance' | 'params'>,
): Promise<Update> {
  const updateId = updateIdOf(params)
  const update = await findUpdate(database, instance, updateId)
  if (update === undefined) {
    const { provider, name, version } = updateId
    throw new AppError('NotFound', `There is no update ${quoted(`${provider}/${name}/${version}`)}.`)
  }
  return update
}

function updateIdOf({ provider = '', name = '', version = '' }: Call['params']): UpdateId {
  return { provider, name, version }
}

/** 202 without a body, as the original service answers (recorded traffic, 2021). */
function acceptedAnswer(dialect: Call['dialect'], instance: string, operationId: string): Answer {
  const location = dialect.operationPath(instance, operationId)
  return {
    status: 202,
    headers: {
      'operation-location': location,
      ...(dialect.sendsLocation && { location }),
      'content-length': '0',
    },
  }
}

function readAfter(skipToken: string | undefined): string | undefined {
  return readPageToken<{ after?: string }>(skipToken)?.after
}

function texts(page: Page<string, string>, call: Pick<Call, 'path' | 'query'>): Answer {
  return json({ value: page.items, nextLink: page.next && nextLink(call, { after: page.next }) })
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 200))
}
