import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KNOWN_SETTINGS } from './command-settings.ts'
import { distributionStoresOf } from './distribution-settings.ts'
import { ConfigurationError, readSettings } from './read-settings.ts'
import { checkTogether, SERVE_SETTINGS } from './serve-settings.ts'

type Flags = Record<string, string | string[]>

const read = (flags: Flags) => readSettings(SERVE_SETTINGS, { flags, environment: {}, known: KNOWN_SETTINGS })

function mistakes(flags: Flags): readonly string[] {
  try {
    checkTogether(read(flags))
  } catch (error) {
    if (error instanceof ConfigurationError) return error.mistakes
    throw error
  }
  return []
}

test('distribution stores are what was named, in that order', () => {
  const flags = {
    distribute: ['cdn=/srv/cdn', 'site-b=file:///srv/a%20b', 'west=s3://updates/west', 'east=azblob://updates'],
    'distribute-required': ['west', 'cdn'],
    'content-url': ['east=https://east.example.com/updates/{path}', 'cdn=http://127.0.0.1:8080/{path}'],
  }
  assert.deepEqual(mistakes(flags), [])
  assert.deepEqual(distributionStoresOf(read(flags)), [
    {
      name: 'cdn',
      address: { kind: 'folder', path: '/srv/cdn' },
      isRequired: true,
      template: 'http://127.0.0.1:8080/{path}',
    },
    { name: 'site-b', address: { kind: 'folder', path: '/srv/a b' }, isRequired: false, template: undefined },
    {
      name: 'west',
      address: { kind: 's3', bucket: 'updates', prefix: 'west' },
      isRequired: true,
      template: undefined,
    },
    {
      name: 'east',
      address: { kind: 'azblob', container: 'updates', prefix: '' },
      isRequired: false,
      template: 'https://east.example.com/updates/{path}',
    },
  ])
  assert.deepEqual(mistakes({ data: '/srv/aduana', distribute: ['cdn=/srv/aduana/cdn', 'other=/srv/aduana-cdn'] }), [])
  assert.deepEqual(distributionStoresOf(read({})), [])
  assert.equal(read({})['distribute-check'], 600_000)
})

const CDN = 'cdn=/srv/cdn'

const WRONG: [flags: Flags, mistake: RegExp][] = [
  [{ distribute: ['/srv/cdn'] }, /^--distribute: what is given is not NAME=VALUE\.$/],
  [{ distribute: ['CDN=/srv/cdn'] }, /"CDN" is not the name of a store: 3 to 36 lower-case letters/],
  [{ distribute: ['cdn='] }, /The store has no address/],
  [{ distribute: ['cdn=gs://bucket'] }, /Stores that begin with gs:\/\/ are not known/],
  [{ distribute: ['cdn=file://elsewhere/srv'] }, /^--distribute: /],
  [{ distribute: [CDN, 'cdn=/srv/other'] }, /^--distribute cdn is given twice\.$/],
  [{ distribute: [CDN, 'other=/srv/cdn'] }, /^\/srv\/cdn is the store of two --distribute/],
  [{ distribute: [CDN], 'distribute-required': ['cnd'] }, /^--distribute-required cnd: there is no --distribute cnd=/],
  [{ 'content-url': ['cdn=https://cdn.example.com/{path}'] }, /^--content-url cdn: there is no --distribute cdn=/],
  [
    { distribute: [CDN], 'content-url': ['cdn=https://a.example.com/{path}', 'cdn=https://b.example.com/{path}'] },
    /^--content-url cdn is given twice\.$/,
  ],
  ...[
    'https://cdn.example.com/',
    'https://cdn.example.com/{path}/{path}',
    'https://cdn.example.com/?file={path}',
    'https://{path}/',
  ].map((text): [Flags, RegExp] => [
    { distribute: [CDN], 'content-url': [`cdn=${text}`] },
    /must have \{path\} in its path, once/,
  ]),
  ...['/{path}', 'ftp://cdn.example.com/{path}', 'https:{path'].map((text): [Flags, RegExp] => [
    { distribute: [CDN], 'content-url': [`cdn=${text}`] },
    /is no address like https:\/\/cdn\.example\.com\/\{path\}\.$|must have \{path\}/,
  ]),
  [
    { distribute: [CDN], 'content-url': ['cdn=https://me:secret@cdn.example.com/{path}'] },
    /the address has a user in it/,
  ],
  ...['/srv/aduana', '/srv/aduana/', '/srv', '/', '/srv/aduana/../aduana'].map((folder): [Flags, RegExp] => [
    { data: '/srv/aduana', distribute: [`cdn=${folder}`] },
    /^--distribute cdn: \/\S* holds what no web server may serve/,
  ]),
  [{ store: '/srv/blobs', distribute: ['cdn=/srv/blobs'] }, /holds what no web server may serve/],
  [{ store: 's3://firmware/blobs', distribute: ['cdn=s3://firmware'] }, /holds what no web server may serve/],
  [{ store: 'azblob://firmware', distribute: ['cdn=azblob://firmware'] }, /holds what no web server may serve/],
  [{ 'distribute-check': '999ms' }, /999ms is not between 1s and 24h/],
  [{ 'distribute-check': '25h' }, /25h is not between 1s and 24h/],
]

for (const [flags, mistake] of WRONG) {
  test(`${JSON.stringify(flags)} is a mistake`, () => {
    const found = mistakes(flags)
    assert.equal(found.length, 1, found.join('\n'))
    assert.match(found[0]!, mistake)
    assert.doesNotMatch(found[0]!, /secret/)
  })
}
