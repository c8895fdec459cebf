import fc from 'fast-check'
import type { Json } from '../support/import-manifests.ts'
import { SHA256 } from '../support/import-manifests.ts'
import { SIGNATURE } from '../support/publish-update.ts'
import { COMPONENTS, OPERATIONS, SENSOR, STAGED, toaster } from '../support/seed-every-state.ts'
import { jsonBytes, jsonTexts } from './json-texts.ts'

/** A request as it goes over the wire. */
export interface WireRequest {
  method: string
  /** Path and query, to the letter. */
  target: string
  headers: [name: string, value: string][]
  body?: Uint8Array
}

const ADMINISTRATOR: [string, string] = ['authorization', 'Bearer DeviceUpdateAdministrator']
const HOST: [string, string] = ['host', '127.0.0.1']

const url = `https://contoso.blob.core.windows.net/updates/toaster.swu?sp=r&sig=${SIGNATURE}`
const input: Json = {
  importManifest: { url, sizeInBytes: 7, hashes: { sha256: SHA256 } },
  friendlyName: 'Toaster',
  files: [{ filename: 'toaster.swu', url }],
}
const importBodies = fc.constantFrom<Json[]>(input, [input], [input, input], { importUpdateInput: [input] })

const importTargets = fc.constantFrom(
  '/deviceUpdate/default/updates:import?api-version=2022-10-01',
  '/deviceupdate/default/updates%3Aimport?api-version=2021-06-01-preview',
  '/deviceUpdate/default/updates?action=import&api-version=2021-06-01-preview',
  '/deviceupdate/default/v2/updates?action=import',
  '/aduana/v1/default/updates:check?deep=true',
)

/** Requests that import: only the body is wrong, if anything is. */
export const imports: fc.Arbitrary<WireRequest> = fc
  .record({ target: importTargets, body: jsonBytes(jsonTexts(importBodies)) })
  .map(({ target, body }) => ({
    method: 'POST',
    target,
    headers: [HOST, ADMINISTRATOR, ['content-type', 'application/json']],
    body,
  }))

function latin1(min: number, max: number): fc.Arbitrary<string> {
  return fc.array(fc.integer({ min, max }), { maxLength: 60 }).map((values) => Buffer.from(values).toString('latin1'))
}

/** What may stand in a request line or a header, one byte a character; the parser refuses some of it. */
const bytes = fc.oneof(
  { weight: 12, arbitrary: latin1(0x21, 0x7e) },
  { weight: 3, arbitrary: latin1(0x80, 0xff) },
  { weight: 1, arbitrary: latin1(0x0e, 0xff) },
)

const escaped = fc.string({ unit: 'binary', maxLength: 30 }).map((text) => encodeURIComponent(text.toWellFormed()))

const oddities = fc.constantFrom(
  '',
  '.',
  '..',
  '%',
  '%2',
  '%zz',
  '%00',
  '%c0%ae',
  '%2f..%2f',
  '%3F',
  '*',
  ':import',
  ':check',
  "'",
  '"',
  '\\',
  '%F0%9F%98%80',
  '1.0',
  '01.0',
  '9'.repeat(400),
  'a'.repeat(301),
)

const spoiled = (good: string) => fc.oneof({ weight: 30, arbitrary: fc.constant(good) }, oddities, escaped, bytes)

/** Paths of the API and near to it, of the seeded catalogue in the first place. */
function paths(contentPath: string): fc.Arbitrary<string> {
  const updatePaths = [toaster('2.0'), toaster('5.0'), COMPONENTS, SENSOR].map(({ provider, name, version }) => {
    return `/updates/providers/${provider}/names/${name}/versions/${version}`
  })
  const below = [
    '/updates',
    '/updates/providers',
    '/updates/providers/Contoso/names',
    '/updates/providers/Contoso/names/Toaster/versions',
    ...updatePaths.flatMap((path) => [path, `${path}/files`, `${path}/files/x`]),
    '/updates/operations',
    ...Object.values(OPERATIONS).map((id) => `/updates/operations/${id}`),
    '/management/groups',
    '/operations',
    ...Object.values(OPERATIONS).map((id) => `/operations/${id}`),
    `/operations/${OPERATIONS.failedFile}/events`,
    '/usage',
    '/audit',
    '/staging',
    ...Object.values(STAGED).map((id) => `/staging/${id}`),
    '/webhooks',
    '/webhooks/seeded',
    '/webhooks/seeded/failures',
    '/webhooks/seeded/failures/x:retry',
  ]
  const bases = ['/deviceUpdate/default', '/deviceupdate/many', '/deviceUpdate/default/v2', '/aduana/v1/default']
  const known = fc.oneof(
    {
      weight: 12,
      arbitrary: fc.tuple(fc.constantFrom(...bases), fc.constantFrom(...below)).map((ends) => ends.join('')),
    },
    { weight: 8, arbitrary: fc.constant(contentPath) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        ...[
          '/healthz',
          '/readyz',
          '/docs/json',
          '/docs/static/x',
          '/',
          '/instances/x',
          '/assets/x.js',
          '/aduana/v1/instances',
        ],
      ),
    },
  )
  return fc.oneof(
    { weight: 10, arbitrary: known },
    {
      weight: 8,
      arbitrary: known.chain((path) =>
        fc.tuple(...path.split('/').slice(1).map(spoiled)).map((parts) => `/${parts.join('/')}`),
      ),
    },
    { weight: 1, arbitrary: bytes },
  )
}

const skipTokens = fc.oneof(
  bytes.map(encodeURIComponent),
  fc
    .oneof(
      fc.json({ maxDepth: 2 }),
      fc
        .record({
          after: fc.oneof(fc.string({ unit: 'binary' }), fc.constant({ createdAt: 1, operationId: '\u0000' })),
        })
        .map((state) => JSON.stringify(state)),
      fc.string({ unit: 'binary', maxLength: 64 }).map((after) => JSON.stringify({ after, filter: after })),
    )
    .map((text) => Buffer.from(text).toString('base64url')),
)

const option = fc.oneof(
  fc.tuple(
    fc.constantFrom('api-version', 'api%2Dversion', '$api-version'),
    fc.oneof(fc.constantFrom('2022-10-01', '2021-06-01-preview', '2', '2099-01-01', '1', ''), bytes, oddities),
  ),
  fc.tuple(
    fc.constantFrom('operation', 'target'),
    fc.oneof(fc.constantFrom('Contoso/Toaster/2.0', ''), bytes, oddities),
  ),
  fc.tuple(
    fc.constantFrom('filter', '$filter', 'FILTER'),
    fc.oneof(
      fc.constantFrom(
        'isDeployable%20eq%20true',
        "status eq 'Running' or status eq 'Failed'",
        `status${' or '.repeat(400)}`,
      ),
      bytes,
      escaped,
      oddities,
    ),
  ),
  fc.tuple(
    fc.constantFrom('search', '$search'),
    fc.oneof(fc.constantFrom('toast', 'Contoso%201.0', '%00', '%25_'), escaped, bytes),
  ),
  fc.tuple(fc.constantFrom('top', '$top'), fc.oneof(fc.constantFrom('0', '1', '-1', '1e9', '999999999', '٣'), bytes)),
  fc.tuple(fc.constantFrom('skipToken', '$skiptoken'), skipTokens),
  fc.tuple(fc.oneof(escaped, oddities, bytes), fc.oneof(escaped, oddities, bytes)),
)

const queries = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('', '?api-version=2022-10-01') },
  {
    weight: 5,
    arbitrary: fc
      .array(option, { maxLength: 4 })
      .map((options) => `?${options.map((pair) => pair.join('=')).join('&')}`),
  },
  { weight: 1, arbitrary: bytes.map((text) => `?${text}`) },
)

const byteRange = fc
  .tuple(
    fc.constantFrom('bytes', 'Bytes', 'items', ''),
    fc.array(fc.tuple(numberText(), numberText()), { maxLength: 3 }),
  )
  .map(([unit, ranges]) => `${unit}=${ranges.map((pair) => pair.join('-')).join(',')}`)

function numberText(): fc.Arbitrary<string> {
  return fc.oneof(fc.constantFrom('', '0', '3', '6', '7', '9'.repeat(400), '-1', ' 2 '), fc.nat().map(String))
}

const header: fc.Arbitrary<[string, string]> = fc.oneof(
  fc.tuple(
    fc.constant('traceparent'),
    fc.oneof(
      bytes,
      fc.constantFrom('00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', `00-${'0'.repeat(32)}-1-1`),
    ),
  ),
  fc.tuple(fc.constant('if-none-match'), fc.oneof(bytes, fc.constantFrom('*', 'W/"a", "b"', ','.repeat(3000)))),
  { weight: 4, arbitrary: fc.tuple(fc.constant('range'), fc.oneof(byteRange, fc.constant('bytes=2-'), bytes)) },
  fc.tuple(fc.constant('if-range'), fc.oneof(bytes, fc.constant(`"${Buffer.from(SHA256, 'base64').toString('hex')}"`))),
  fc.tuple(
    fc.constant('host'),
    fc.oneof(bytes, fc.constantFrom('evil.example', 'localhost:1', '[::1]', '127.0.0.1.', '')),
  ),
  fc.tuple(
    fc.constant('content-type'),
    fc.oneof(
      bytes,
      fc.constantFrom(
        'application/offset+octet-stream',
        'application/json',
        'text/json; charset=utf-16',
        'multipart/form-data; boundary=',
        '/',
      ),
    ),
  ),
  fc.tuple(
    fc.constant('authorization'),
    fc.oneof(
      bytes,
      bytes.map((text) => `Bearer ${text}`),
      fc.constantFrom(
        'Bearer DeviceUpdateReader',
        'Bearer Nobody',
        'Bearer',
        `Bearer ${' '.repeat(5000)}`,
        'Basic YTpi',
      ),
    ),
  ),
  fc.tuple(
    fc.constantFrom(
      'expect',
      'connection',
      'upgrade',
      'transfer-encoding',
      'content-length',
      'te',
      'accept',
      'accept-version',
    ),
    fc.oneof(
      bytes,
      fc.constantFrom('100-continue', 'upgrade', 'websocket', 'chunked', 'gzip, chunked', '5', '1e3', '*/*'),
    ),
  ),
  fc.tuple(
    fc.constantFrom(...['upload-length', 'upload-offset', 'upload-defer-length', 'upload-concat', 'tus-resumable']),
    fc.oneof(bytes, numberText(), fc.constantFrom('1.0.0', '524288', '1048576', '1', 'partial')),
  ),
  fc.tuple(
    fc.constant('upload-metadata'),
    fc.oneof(bytes, fc.constantFrom('filename YS5iaW4=', 'filename', ',', 'a a,a a', `a ${'A'.repeat(5000)}`)),
  ),
  fc.tuple(fc.string({ unit: fc.constantFrom(...'abcxyz-_!~'), minLength: 1, maxLength: 20 }), bytes),
)

/** Requests that upload: what the protocol asks for is there, and anything of it may be wrong. */
export const uploads: fc.Arbitrary<WireRequest> = fc
  .record({
    method: fc.constantFrom('POST', 'HEAD', 'PATCH', 'DELETE', 'OPTIONS', 'GET'),
    id: spoiled(STAGED.half),
    type: spoiled('application/offset+octet-stream'),
    version: spoiled('1.0.0'),
    offset: spoiled('524288'),
    length: spoiled('10'),
    others: fc.array(header, { maxLength: 2 }),
    body: fc.uint8Array({ maxLength: 40 }),
  })
  .map(({ method, id, type, version, offset, length, others, body }) => ({
    method,
    target: `/aduana/v1/default/staging${method === 'POST' ? '' : `/${id}`}`,
    headers: [
      HOST,
      ADMINISTRATOR,
      ['tus-resumable', version],
      ['content-type', type],
      ['upload-offset', offset],
      ['upload-length', length],
      ...others,
    ],
    body,
  }))

/** Requests of every kind, in which anything may be wrong. `contentPath` leads to a file of seven bytes. */
export function requests(contentPath: string): fc.Arbitrary<WireRequest> {
  return fc
    .record({
      method: fc.oneof(
        { weight: 8, arbitrary: fc.constant('GET') },
        fc.constantFrom('HEAD', 'POST', 'DELETE', 'PUT', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND'),
      ),
      path: paths(contentPath),
      query: queries,
      headers: fc.array(header, { maxLength: 4 }),
      body: fc.option(fc.oneof(fc.uint8Array({ maxLength: 40 }), jsonBytes(jsonTexts(importBodies))), {
        freq: 4,
        nil: undefined,
      }),
    })
    .map(({ method, path, query, headers, body }) => ({
      method,
      target: path + query,
      headers: [HOST, ADMINISTRATOR].filter(([name]) => !headers.some(([other]) => other === name)).concat(headers),
      ...(body !== undefined && { body }),
    }))
}

/** What goes over the wire and need not be a request at all. */
export function wireBytes(contentPath: string): fc.Arbitrary<Uint8Array> {
  const sound = requests(contentPath).map(toWire)
  const splice = fc.record({ at: fc.nat(), length: fc.nat(20), bytes: fc.uint8Array({ maxLength: 20 }) })
  return fc.oneof(
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 400 }) },
    { weight: 1, arbitrary: fc.array(sound, { minLength: 2, maxLength: 4 }).map((all) => Buffer.concat(all)) },
    {
      weight: 6,
      arbitrary: fc.tuple(sound, fc.array(splice, { maxLength: 3 })).map(([request, splices]) => {
        return splices.reduce((whole, { at, length, bytes }) => {
          const place = at % (whole.length + 1)
          return Buffer.concat([whole.subarray(0, place), bytes, whole.subarray(place + length)])
        }, request)
      }),
    },
    {
      weight: 1,
      arbitrary: fc
        .nat(40_000)
        .map((length) => Buffer.from(`GET /${'a'.repeat(length)} HTTP/1.1\r\nhost: localhost\r\n\r\n`)),
    },
  )
}

/** The request in HTTP/1.1, asking for the connection to be closed unless a header says something else. */
export function toWire({ method, target, headers, body }: WireRequest): Buffer {
  const has = (name: string) => headers.some(([other]) => other === name)
  const lines = [
    `${method} ${target} HTTP/1.1`,
    ...headers.map((pair) => pair.join(': ')),
    ...(has('connection') ? [] : ['connection: close']),
    ...(body === undefined || has('content-length') || has('transfer-encoding')
      ? []
      : [`content-length: ${body.byteLength}`]),
  ]
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), body ?? Buffer.alloc(0)])
}
