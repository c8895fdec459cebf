// Who may do what: every route × role × instance × state of the token, against the API as it runs.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type AppInMemory, startAppInMemory } from './support/app-in-memory.ts'

type Permission = 'updates/read' | 'updates/write' | 'updates/delete' | 'webhooks/write' | 'management/read'

const UPDATE = '/updates/providers/:provider/names/:name/versions/:version'
const UPDATES: [method: string, path: string, permission: Permission][] = [
  ['POST', '/updates', 'updates/write'],
  ['POST', '/updates:import', 'updates/write'],
  ['GET', '/updates', 'updates/read'],
  ['GET', '/updates/operations', 'updates/read'],
  ['GET', '/updates/operations/:operationId', 'updates/read'],
  ['GET', '/updates/providers', 'updates/read'],
  ['GET', '/updates/providers/:provider/names', 'updates/read'],
  ['GET', '/updates/providers/:provider/names/:name/versions', 'updates/read'],
  ['GET', UPDATE, 'updates/read'],
  ['GET', `${UPDATE}/files`, 'updates/read'],
  ['GET', `${UPDATE}/files/:fileId`, 'updates/read'],
  ['DELETE', UPDATE, 'updates/delete'],
]

const ROUTES: [base: string, routes: typeof UPDATES][] = [
  ['/deviceUpdate/:instanceId', UPDATES],
  ['/deviceUpdate/:instanceId/v2', UPDATES],
  [
    '/aduana/v1/:instanceId',
    [
      ['GET', UPDATE, 'updates/read'],
      ['GET', `${UPDATE}/manifest`, 'updates/read'],
      ['GET', '/operations', 'updates/read'],
      ['GET', '/operations/:operationId', 'updates/read'],
      ['GET', '/operations/:operationId/events', 'updates/read'],
      ['POST', '/updates:check', 'updates/write'],
      ['GET', '/events', 'updates/read'],
      ['GET', '/webhooks', 'webhooks/write'],
      ['PUT', '/webhooks/:webhook', 'webhooks/write'],
      ['GET', '/webhooks/:webhook', 'webhooks/write'],
      ['DELETE', '/webhooks/:webhook', 'webhooks/write'],
      ['GET', '/webhooks/:webhook/failures', 'webhooks/write'],
      ['POST', '/webhooks/:webhook/failures/:eventId', 'webhooks/write'],
      ['POST', '/rescan', 'updates/write'],
      ['GET', '/rescan', 'updates/read'],
      ['GET', '/distribution', 'updates/read'],
      ['GET', '/staging', 'updates/write'],
      ['POST', '/staging', 'updates/write'],
      ['OPTIONS', '/staging', 'updates/write'],
      ['HEAD', '/staging/:uploadId', 'updates/write'],
      ['PATCH', '/staging/:uploadId', 'updates/write'],
      ['DELETE', '/staging/:uploadId', 'updates/write'],
      ['GET', '/usage', 'updates/read'],
      ['GET', '/audit', 'management/read'],
    ],
  ],
]

/** Every route with a permission. What answers GET answers HEAD too, to the same people. */
const GUARDED = ROUTES.flatMap(([base, routes]) =>
  routes.flatMap(([method, path, permission]) =>
    (method === 'GET' ? ['GET', 'HEAD'] : [method]).map((asked) => ({ method: asked, path: base + path, permission })),
  ),
)

/** About the whole server: for who may read updates in any instance. */
const ANYWHERE = ['GET /metrics', 'HEAD /metrics']

/** Tells a caller with a good token what it opens. */
const KNOWN = ['GET /aduana/v1/instances', 'HEAD /aduana/v1/instances']

/** What answers everybody, and has nothing that is not meant for everybody. */
const OPEN = [
  'GET /',
  'GET /assets/:name',
  'GET /aduana/v1/login',
  'GET /content/:contentId/:fileName',
  'GET /docs',
  'GET /docs/json',
  'GET /docs/static/*',
  'GET /docs/static/index.html',
  'GET /docs/static/swagger-initializer.js',
  'GET /docs/static/theme/login.js',
  'GET /docs/yaml',
  'GET /healthz',
  'GET /instances',
  'GET /instances/*',
  'GET /openapi.json',
  'GET /readyz',
].flatMap((route) => [route, route.replace('GET', 'HEAD')])

/** Exchanges the code of a login link, which is its key. */
const LOGIN = 'POST /aduana/v1/login'

/** Not there yet: 501 for everybody and every instance. */
const ABSENT = ['/deviceUpdate/:instanceId/management/*', '/deviceUpdate/:instanceId/v2/management/*']

const MAY: Record<string, Permission[]> = {
  DeviceUpdateAdministrator: ['updates/read', 'updates/write', 'updates/delete', 'management/read', 'webhooks/write'],
  DeviceUpdateContentAdministrator: ['updates/read', 'updates/write', 'updates/delete'],
  DeviceUpdateContentReader: ['updates/read'],
  DeviceUpdateDeploymentsAdministrator: ['updates/read', 'management/read'],
  DeviceUpdateDeploymentsReader: ['updates/read', 'management/read'],
  DeviceUpdateReader: ['updates/read', 'management/read'],
  ADUFullAccessAdmin: ['updates/read', 'updates/write', 'updates/delete', 'management/read', 'webhooks/write'],
}

const NO_INSTANCE = 'There is no such instance, or you have no role in it.'

describe('the permission table', () => {
  let app: AppInMemory
  before(async () => {
    app = await startAppInMemory({ instances: ['own'], closedInstances: ['other'] })
  })
  after(() => app[Symbol.asyncDispose]())

  /** What the door says: the status where it refuses, and else `in`, whatever the room has to say. */
  async function ask(
    { method, path }: { method: string; path: string },
    { instance, token }: { instance: string; token: string },
  ) {
    const names: Record<string, string> = { instanceId: instance, version: '1.0' }
    const { statusCode, body, headers } = await app.fastify.inject({
      method: method as 'GET',
      url: path.replaceAll(/(?<!:):(?!import|check|retry)(\w+)/g, (_, name) => names[name] ?? 'some'),
      query: { 'api-version': '2022-10-01', action: 'import' },
      // A stream of events would go on for ever; with this it is refused by the room.
      headers: {
        'content-type': 'application/json',
        'last-event-id': 'x'.repeat(201),
        ...(token !== '' && { authorization: `Bearer ${token}` }),
      },
      ...(method === 'POST' && { payload: '[]' }),
    })
    assert.ok(statusCode < 500, `${statusCode} ${body}`)
    if (statusCode === 401) {
      const flaw = token === '' ? '' : ', error="invalid_token"'
      assert.equal(headers['www-authenticate'], `Bearer realm="aduana"${flaw}`)
      return '401'
    }
    // The answer to HEAD has no sentence; that of the GET beside it tells the door's 404 from a room's.
    if (method === 'HEAD') return statusCode === 403 ? '403' : statusCode === 404 ? '404' : 'in'
    const { code, message = '', target } = (JSON.parse(body || '{}').error ?? {}) as Record<string, string>
    if (statusCode === 403) return `403 ${code} ${target}`
    return statusCode === 404 && message === NO_INSTANCE ? '404' : 'in'
  }

  for (const route of GUARDED) {
    const { method, path, permission } = route
    const isHead = method === 'HEAD'
    test(`${method} ${path} needs ${permission}`, async () => {
      for (const instance of ['own', 'other', 'missing']) {
        for (const [token, expected] of [
          ['', '401'],
          ['Nonsense', '401'],
          ['Nobody', '404'],
        ] as const) {
          assert.equal(await ask(route, { instance, token }), expected, `${token} in ${instance}`)
        }
      }
      for (const [token, permissions] of Object.entries(MAY)) {
        for (const instance of ['other', 'missing']) {
          assert.equal(await ask(route, { instance, token }), '404', `${token} in ${instance}`)
        }
        const answer = await ask(route, { instance: 'own', token })
        if (isHead) {
          // What is not there is a 404 of the room.
          assert.equal(answer === '403', !permissions.includes(permission), `${token}: ${answer}`)
        } else {
          const refusal = `403 PermissionMissing ${permission}`
          assert.equal(answer, permissions.includes(permission) ? 'in' : refusal, token)
        }
      }
    })
  }

  for (const route of ANYWHERE) {
    test(`${route} needs updates/read in any instance`, async () => {
      const [method, path = ''] = route.split(' ')
      const statuses: [role: string, status: number][] = [
        ['', 401],
        ['Nonsense', 401],
        ['Nobody', 403],
        ...Object.keys(MAY).map((role): [string, number] => [role, 200]),
      ]
      for (const [role, status] of statuses) {
        assert.equal((await app.ask(path, { role, ...(method && { method }) })).status, status, role)
      }
    })
  }

  for (const route of KNOWN) {
    test(`${route} needs a good token, and no role`, async () => {
      const [method, path = ''] = route.split(' ')
      for (const [role, status] of [
        ['', 401],
        ['Nonsense', 401],
        ['Nobody', 200],
        ['DeviceUpdateReader', 200],
      ] as const) {
        assert.equal((await app.ask(path, { role, ...(method && { method }) })).status, status, role)
      }
    })
  }

  test('has every route that there is, and no other', () => {
    const table = [
      ...GUARDED.map(({ method, path }) => `${method} ${path}`),
      ...ANYWHERE,
      ...KNOWN,
      ...OPEN,
      LOGIN,
      ...ABSENT.map((path) => `any ${path}`),
    ]
    // The router writes the parts of its paths in lower case, as it compares them.
    const lowerCased = table.map((route) => route.replace('/deviceUpdate/', '/deviceupdate/'))
    assert.deepEqual(routesIn(app.fastify.printRoutes()).sort(), lowerCased.sort())
  })

  test('a refusal does not tell an instance that is there from one that is not', async () => {
    const answers = await Promise.all(
      ['other', 'missing'].map((instance) => app.ask(`/deviceUpdate/${instance}/updates?api-version=2022-10-01`)),
    )
    const [other, missing] = answers.map(({ status, headers, text }) => {
      const { date, traceparent, ...rest } = headers
      return { status, rest, text: text.replaceAll(String(traceparent), '') }
    })
    assert.deepEqual(other, missing)
  })

  test('what is not there yet says so to everybody', async () => {
    for (const path of ABSENT) {
      for (const instance of ['own', 'missing']) {
        const url = path.replace(':instanceId', instance).replace('*', 'groups')
        assert.equal((await app.ask(url, { role: '' })).status, 501, url)
      }
    }
  })
})

/** The routes in Fastify's drawing of them, a tree in which every line has the next part of a path. */
function routesIn(tree: string): string[] {
  const parents: string[] = []
  return tree
    .trimEnd()
    .split('\n')
    .flatMap((line) => {
      const [, indent = '', part = '', methods = ''] = /^([│ ]*)[├└]── (\S+)(?: \((.*)\))?$/.exec(line) ?? []
      assert.ok(part, line)
      const depth = indent.length / 4
      const path = (parents[depth - 1] ?? '') + part
      parents[depth] = path
      const names = methods.split(', ').filter((name) => name !== '')
      return names.length > 5 ? [`any ${path}`] : names.map((name) => `${name} ${path}`)
    })
}
