// Compares every shape of answer, in every dialect, with the files in tests/golden: what a client sees, to the letter.
// After a change that is meant, `UPDATE_GOLDEN=1 npm test tests/e2e/golden.test.ts` writes them anew; read the difference before you
// commit it, since each line of it is a promise to clients that exist. Whatever the files say, each document must also be as strict
// as the published schemas.
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import Type, { type TSchema } from 'typebox'
import { DOCUMENTS, DOCUMENTS_V2 } from '../../src/http/documents.ts'
import { DeadLetter, Webhook } from '../../src/http/events/webhook-schemas.ts'
import { AuditRecord } from '../../src/http/instances/audit-route.ts'
import { InstancesDocument } from '../../src/http/instances/instances-route.ts'
import { Usage } from '../../src/http/instances/usage-route.ts'
import { OperationSummary, OperationV2, OperationWithProgress } from '../../src/http/operations/operation-schemas.ts'
import { SignInDocument } from '../../src/http/pages/login-route.ts'
import { listOf, Problem } from '../../src/http/schemas.ts'
import { StagedFile } from '../../src/http/staging/staging-schemas.ts'
import { Update, UpdateFile, UpdateWithContent } from '../../src/http/updates/update-schemas.ts'
import { insertAudit } from '../../src/store/audit.ts'
import { type AppInMemory, startAppInMemory } from '../support/app-in-memory.ts'
import type { Question } from '../support/ask.ts'
import { mistakesIn } from '../support/check-document.ts'
import { goldenText } from '../support/golden-text.ts'
import { SHA256 } from '../support/import-manifests.ts'
import {
  COMPONENTS,
  OPERATIONS,
  SENSOR,
  STAGED,
  seedEveryState,
  toaster,
  WEBHOOK,
} from '../support/seed-every-state.ts'
import { OCTETS, TUS } from '../support/stage.ts'
import { addressOf, pathOf, WIRE_DIALECTS, type WireDialect } from '../support/wire-dialects.ts'

const FOLDER = join(import.meta.dirname, '..', 'golden')
const UPDATING = process.env.UPDATE_GOLDEN === '1'

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c'
const TRACEPARENT = `00-${TRACE_ID}-b7ad6b7169203331-01`

type Documents = Pick<typeof DOCUMENTS, 'update' | 'file' | 'operation'>

const DOCUMENTS_OF: Record<WireDialect['family'], Documents> = {
  v2: DOCUMENTS_V2,
  '2021': {
    update: Update,
    file: Type.Omit(UpdateFile, ['properties', 'relatedFiles', 'downloadHandler']),
    operation: OperationV2,
  },
  '2022': DOCUMENTS,
}

const INPUT = {
  importManifest: {
    url: 'https://contoso.blob.core.windows.net/updates/importmanifest.json?sv=2024-11-04&sr=b&sp=r&sig=c2VjcmV0',
    sizeInBytes: 816,
    hashes: { sha256: SHA256 },
  },
  files: [{ filename: 'toaster.swu', url: 'https://contoso.blob.core.windows.net/updates/toaster.swu?sig=c2VjcmV0' }],
}

let app: AppInMemory
let fileId = ''
let fileIdWithRelated = ''
before(async () => {
  app = await startAppInMemory({
    instances: ['default', 'empty-one', 'many'],
    signIn: {
      localIssuer: false,
      oidc: { issuer: 'https://id.example.com', clientId: 'aduana', scope: 'openid profile offline_access' },
    },
  })
  await seedEveryState(app.database, { traceId: TRACE_ID, instanceWithMany: 'many' })
  const asked = { instance: 'default', subject: 'ana', issuer: 'urn:tests', address: '127.0.0.1', traceId: TRACE_ID }
  const deletion = { operationId: OPERATIONS.deleteNotStarted, target: 'Contoso/Toaster/2.0' }
  await app.database.batch([insertAudit({ action: 'delete', ...asked, ...deletion })])
  const idOfFile = async (version: string) => {
    const { json } = await app.ask(`/deviceUpdate/default/updates${pathOf(toaster(version))}/files`)
    return json<{ value: [string] }>().value[0]
  }
  fileId = await idOfFile('4.0')
  fileIdWithRelated = await idOfFile('5.0')
})
after(() => app[Symbol.asyncDispose]())

/** One shape of answer: what is asked, and what the body of a success must be. */
interface Shape {
  ask: (dialect: WireDialect) => Question & { path: string; role?: string }
  document?: (documents: Documents) => TSchema
  /** What is so while it is asked. */
  isStopping?: boolean
}

function get(
  path: string | (() => string),
  document?: Shape['document'],
  { options = {}, headers = {} }: { options?: Record<string, string>; headers?: Record<string, string> } = {},
): Shape {
  return {
    ask: (dialect) => ({ path: addressOf(dialect, typeof path === 'string' ? path : path(), options), headers }),
    ...(document && { document }),
  }
}

function post(input: object): Shape {
  return {
    ask: ({ base, importPath, body }) => ({
      path: base + importPath,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body(input)),
    }),
  }
}

const texts = () => listOf(Type.String())
const update: Shape['document'] = (documents) => documents.update
const file: Shape['document'] = (documents) => documents.file
const operation: Shape['document'] = (documents) => documents.operation

const HAS_IT = { headers: { 'if-none-match': '*' } }

const SHAPES: Record<string, Shape> = {
  'import-refused': post({
    importManifest: { url: INPUT.importManifest.url, sizeInBytes: 0, hashes: {} },
    files: [{}],
  }),
  'delete-not-found': {
    ask: (dialect) => ({ path: addressOf(dialect, pathOf(toaster('9.9'))), method: 'DELETE' }),
  },
  'update-manifest-2.0': get(pathOf(toaster('2.0')), update),
  'update-manifest-3.0': get(pathOf(toaster('3.0')), update),
  'update-manifest-4.0': get(pathOf(toaster('4.0')), update),
  'update-manifest-5.0': get(pathOf(toaster('5.0')), update),
  'update-parent': get(pathOf(COMPONENTS), update),
  'update-child': get(pathOf(SENSOR), update),
  'update-not-modified': get(pathOf(toaster('2.0')), undefined, HAS_IT),
  'update-not-found': get(pathOf(toaster('9.9'))),
  'update-head': {
    ask: (dialect) => ({ path: addressOf(dialect, pathOf(toaster('2.0'))), method: 'HEAD' }),
  },
  file: get(() => `${pathOf(toaster('4.0'))}/files/${fileId}`, file),
  'file-with-related-files': get(() => `${pathOf(toaster('5.0'))}/files/${fileIdWithRelated}`, file),
  'file-not-modified': get(() => `${pathOf(toaster('4.0'))}/files/${fileId}`, undefined, HAS_IT),
  'file-not-found': get(`${pathOf(toaster('4.0'))}/files/f0`),
  'operation-not-started': get(`/operations/${OPERATIONS.notStarted}`, operation),
  'operation-running-manifest-not-read': get(`/operations/${OPERATIONS.runningManifestNotRead}`, operation),
  'operation-running': get(`/operations/${OPERATIONS.running}`, operation),
  'operation-succeeded': get(`/operations/${OPERATIONS.succeeded}`, operation),
  'operation-succeeded-parent-and-child': get(`/operations/${OPERATIONS.succeededParentAndChild}`, operation),
  'operation-failed-manifest-not-read': get(`/operations/${OPERATIONS.failedManifestNotRead}`, operation),
  'operation-failed-manifest-wrong': get(`/operations/${OPERATIONS.failedManifestWrong}`, operation),
  'operation-failed-file': get(`/operations/${OPERATIONS.failedFile}`, operation),
  'operation-delete-not-started': get(`/operations/${OPERATIONS.deleteNotStarted}`, operation),
  'operation-delete-succeeded': get(`/operations/${OPERATIONS.deleteSucceeded}`, operation),
  'operation-delete-failed': get(`/operations/${OPERATIONS.deleteFailed}`, operation),
  'operation-check-not-found': get(`/operations/${OPERATIONS.checkSucceeded}`),
  'operation-not-modified': get(`/operations/${OPERATIONS.succeeded}`, undefined, HAS_IT),
  'operation-not-found': get('/operations/00000000-0000-4000-8000-000000000000'),
  'list-updates': get('', (documents) => listOf(documents.update), {
    options: { search: 'toaster of', filter: 'isDeployable eq true' },
  }),
  'list-providers': get('/providers', texts),
  'list-names': get('/providers/Contoso/names', texts),
  'list-names-not-found': get('/providers/Fabrikam/names'),
  'list-versions': get('/providers/Contoso/names/Toaster/versions', texts),
  'list-versions-none-deployable': get('/providers/Contoso/names/Sensor/versions', texts, {
    options: { filter: 'isDeployable eq true' },
  }),
  'list-versions-more-to-come': {
    ask: (dialect) => ({
      path: addressOf(dialect, '/providers/Contoso/names/Toaster/versions').replace('default', 'many'),
    }),
    document: texts,
  },
  'list-files': get(`${pathOf(toaster('5.0'))}/files`, texts),
  'list-operations': get('/operations', (documents) => listOf(documents.operation), {
    options: { filter: "status eq 'NotStarted' or status eq 'Running'", top: '10' },
  }),
  'list-empty': {
    ask: (dialect) => ({ path: addressOf(dialect, '/providers').replace('default', 'empty-one') }),
    document: texts,
  },
  // Last, since the operations that these begin would be in the lists.
  'import-accepted': post(INPUT),
  'delete-accepted': {
    ask: (dialect) => ({ path: addressOf(dialect, pathOf(toaster('2.0'))), method: 'DELETE' }),
  },
}

const newest = '/deviceUpdate/default/updates'

function staged(id: string, method: string, headers: Record<string, string> = {}): Shape {
  return { ask: () => ({ path: `/aduana/v1/default/staging/${id}`, method, headers: { ...TUS, ...headers } }) }
}

/** Answers that are the same in every dialect, and Aduana's own. */
const OTHERS: Record<string, Shape> = {
  'problem-400-api-version': { ask: () => ({ path: `${newest}?api-version=tomorrow` }) },
  'problem-400-filter': { ask: () => ({ path: `${newest}?filter=name%20eq%20%27x%27` }) },
  'problem-400-paging-token': { ask: () => ({ path: `${newest}?skipToken=e30` }) },
  'problem-400-body': {
    ask: () => ({
      path: `${newest}:import`,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"importManifest":',
    }),
  },
  'problem-401-no-token': { ask: () => ({ path: newest, role: '' }) },
  'problem-401-bad-token': { ask: () => ({ path: newest, role: 'forged' }) },
  'problem-403': {
    ask: () => ({ path: newest + pathOf(toaster('2.0')), method: 'DELETE', role: 'DeviceUpdateReader' }),
  },
  'problem-404-instance': { ask: () => ({ path: newest.replace('default', 'nowhere') }) },
  'problem-404-no-role': { ask: () => ({ path: newest, role: 'Nobody' }) },
  'problem-404-path': { ask: () => ({ path: '/deviceUpdate/default/devices' }) },
  'problem-413': {
    ask: () => ({
      path: `${newest}:import`,
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': '1048577' },
      body: '',
    }),
  },
  'problem-415': {
    ask: () => ({ path: `${newest}:import`, method: 'POST', headers: { 'content-type': 'text/csv' }, body: 'a,b' }),
  },
  'problem-501': { ask: () => ({ path: '/deviceUpdate/default/management/groups?api-version=2022-10-01' }) },
  'problem-503': {
    ask: () => ({ path: newest + pathOf(toaster('2.0')), method: 'DELETE' }),
    isStopping: true,
  },
  'aduana-update': {
    ask: () => ({ path: `/aduana/v1/default/updates${pathOf(toaster('5.0'))}` }),
    document: () => UpdateWithContent,
  },
  'aduana-operation-running': {
    ask: () => ({ path: `/aduana/v1/default/operations/${OPERATIONS.running}` }),
    document: () => OperationWithProgress,
  },
  'aduana-operation-failed': {
    ask: () => ({ path: `/aduana/v1/default/operations/${OPERATIONS.failedFile}` }),
    document: () => OperationWithProgress,
  },
  'aduana-usage': { ask: () => ({ path: '/aduana/v1/default/usage' }), document: () => Usage },
  'aduana-audit': {
    ask: () => ({ path: `/aduana/v1/default/audit?operation=${OPERATIONS.deleteNotStarted}` }),
    document: () => listOf(AuditRecord),
  },
  'aduana-instances': { ask: () => ({ path: '/aduana/v1/instances' }), document: () => InstancesDocument },
  'sign-in': { ask: () => ({ path: '/aduana/v1/login', role: '' }), document: () => SignInDocument },
  'aduana-list-operations': {
    ask: () => ({ path: '/aduana/v1/default/operations?kind=import,delete&status=Running,Failed&top=4' }),
    document: () => listOf(OperationSummary),
  },
  'aduana-operation-events': {
    ask: () => ({ path: `/aduana/v1/default/operations/${OPERATIONS.failedFile}/events` }),
  },
  'aduana-webhook': {
    ask: () => ({ path: `/aduana/v1/default/webhooks/${WEBHOOK}` }),
    document: () => Webhook,
  },
  'aduana-webhook-failures': {
    ask: () => ({ path: `/aduana/v1/default/webhooks/${WEBHOOK}/failures` }),
    document: () => listOf(DeadLetter),
  },
  'problem-400-webhook': {
    ask: () => ({
      path: '/aduana/v1/default/webhooks/other',
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ url: 1, types: ['all'] }),
    }),
  },
  'problem-400-status': { ask: () => ({ path: '/aduana/v1/default/operations?status=Done' }) },
  'aduana-check-accepted': {
    ask: () => ({
      path: '/aduana/v1/default/updates:check?deep=true',
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify([INPUT]),
    }),
  },
  'aduana-check-succeeded': {
    ask: () => ({ path: `/aduana/v1/default/operations/${OPERATIONS.checkSucceeded}` }),
    document: () => OperationWithProgress,
  },
  'aduana-check-failed': {
    ask: () => ({ path: `/aduana/v1/default/operations/${OPERATIONS.checkFailed}` }),
    document: () => OperationWithProgress,
  },
  'aduana-list-staged': {
    ask: () => ({ path: '/aduana/v1/default/staging' }),
    document: () => listOf(StagedFile),
  },
  'aduana-staged-head': staged(STAGED.half, 'HEAD'),
  'aduana-staged-options': {
    ask: () => ({ path: '/aduana/v1/default/staging', method: 'OPTIONS', headers: TUS }),
  },
  'aduana-staged-offset-wrong': staged(STAGED.half, 'PATCH', { 'upload-offset': '7', ...OCTETS }),
  'aduana-staged-not-found': staged('0'.repeat(32), 'DELETE'),
  'aduana-staged-too-large': {
    ask: () => ({
      path: '/aduana/v1/default/staging',
      method: 'POST',
      headers: { ...TUS, 'upload-length': '2147483649' },
    }),
  },
  'problem-412': { ask: () => ({ path: '/aduana/v1/default/staging', method: 'POST' }) },
  healthz: { ask: () => ({ path: '/healthz', role: '' }) },
  readyz: { ask: () => ({ path: '/readyz', role: '' }) },
  'readyz-stopping': {
    ask: () => ({ path: '/readyz', role: '' }),
    isStopping: true,
  },
}

/** Asks, checks what must hold whatever the golden file says, and answers the text of the exchange. */
async function exchange({ ask, document, isStopping = false }: Shape, dialect: WireDialect): Promise<string> {
  const { path, ...question } = ask(dialect)
  app.isReady = !isStopping
  const answer = await app.ask(path, { ...question, headers: { traceparent: TRACEPARENT, ...question.headers } })
  app.isReady = true
  if (document !== undefined) assert.equal(answer.status, 200, answer.text)
  if (/json/.test(answer.headers['content-type'] ?? '') && question.method !== 'HEAD') {
    const schema = document?.(DOCUMENTS_OF[dialect.family]) ?? Problem
    assert.deepEqual(mistakesIn(answer.json(), schema), [], path)
    assert.equal(answer.text, JSON.stringify(answer.json()), 'documents are compact')
  }
  return goldenText(path, question, answer, [...Object.values(OPERATIONS), ...Object.values(STAGED)])
}

function compare(name: string, text: string): void {
  const path = join(FOLDER, `${name}.txt`)
  if (UPDATING) {
    mkdirSync(FOLDER, { recursive: true })
    writeFileSync(path, text)
  }
  assert.equal(text, readFileSync(path, 'utf8'), `tests/golden/${name}.txt`)
}

const [newestDialect] = WIRE_DIALECTS.filter(({ title }) => title === '2022-10-01') as [WireDialect]

describe('answers are as they always were', () => {
  for (const [name, shape] of Object.entries(SHAPES)) {
    test(`${name} in every dialect`, async () => {
      const sections = []
      for (const dialect of WIRE_DIALECTS) sections.push(`### ${dialect.title}\n${await exchange(shape, dialect)}\n`)
      compare(name, sections.join('\n'))
    })
  }

  for (const [name, shape] of Object.entries(OTHERS)) {
    test(name, async () => compare(name, `${await exchange(shape, newestDialect)}\n`))
  }

  test('there is no golden file without a test', () => {
    const names = new Set([...Object.keys(SHAPES), ...Object.keys(OTHERS)].map((name) => `${name}.txt`))
    const stale = readdirSync(FOLDER).filter((name) => !names.has(name))
    if (UPDATING) for (const name of stale) rmSync(join(FOLDER, name))
    else assert.deepEqual(stale, [])
  })
})
