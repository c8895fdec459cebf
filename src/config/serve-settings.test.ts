import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CLIENT_LIMITS } from '../http/admission/listeners.ts'
import { KNOWN_SETTINGS } from './command-settings.ts'
import { serviceLimitsOf } from './limit-settings.ts'
import { clientLimitsOf } from './listening-settings.ts'
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

const ISSUER = { 'oidc-issuer': ['https://id.example.com'], 'oidc-audience': ['aduana'] }

test('limits are those of the profile, changed one by one', () => {
  const limitsOf = (flags: Flags) => serviceLimitsOf(read(flags))
  assert.deepEqual(limitsOf({}), { operations: 1000 })
  assert.deepEqual(limitsOf({ limit: ['operations=none'] }), {})
  assert.deepEqual(limitsOf({ limit: ['updates=5', 'bytes=1099511627776', 'updates=6'] }), {
    operations: 1000,
    updates: 6,
    bytes: 1024 ** 4,
  })
  assert.deepEqual(limitsOf({ limits: 'azure', limit: ['list-operations=none', 'operations=2'] }), {
    requests: 510,
    operations: 2,
    providers: 25,
    names: 25,
    versions: 100,
    updates: 100,
    bytes: 100 * 1024 ** 3,
  })
  assert.deepEqual(limitsOf({ limits: 'azure' })['list-operations'], 50, 'reading changes no profile')
})

test('limits for clients are the usual ones, changed one by one', () => {
  const limitsOf = (flags: Flags) => clientLimitsOf(read(flags))
  assert.deepEqual(limitsOf({}), CLIENT_LIMITS)
  assert.deepEqual(limitsOf({ 'client-limit': ['connections=20', 'silence=10m', 'headers=5s', 'connections=30'] }), {
    ...CLIENT_LIMITS,
    connectionsMax: 30,
    silenceMs: 600_000,
    headersMs: 5000,
  })
})

const WRONG: [flags: Flags, mistake: RegExp][] = [
  ...['nonsense=1', 'updates', 'updates=', 'updates=0', 'updates=-1', 'updates=1.5', 'updates=many', 'Updates=1'].map(
    (text): [Flags, RegExp] => [
      { limit: [text] },
      new RegExp(`^--limit: ${text} is not NAME=N .*requests, list-operations, .*bytes`),
    ],
  ),
  [{ 'client-limit': ['nonsense=1'] }, /^--client-limit: nonsense=1 is not NAME=VALUE .*connections, headers, request/],
  [{ 'client-limit': ['toString=1s'] }, /^--client-limit: toString=1s is not NAME=VALUE/],
  [{ 'client-limit': ['connections=0'] }, /^--client-limit: connections=0: connections is a number from 1/],
  [{ 'client-limit': ['headers=0s'] }, /^--client-limit: headers=0s: it must be longer than nothing/],
  [{ 'client-limit': ['silence=60'] }, /^--client-limit: 60 is not a duration/],
  [{ metrics: '9100' }, /^--metrics: 9100 is not HOST:PORT/],
  [{ limits: 'big' }, /^--limits: big is neither generous nor azure/],
  [{ 'oidc-issuer': ['id.example.com'], 'oidc-audience': ['a'] }, /^--oidc-issuer: "id\.example\.com" is no issuer/],
  [{ 'oidc-issuer': ['http://id.example.com'], 'oidc-audience': ['a'] }, /^--oidc-issuer: .*must be an https URL/],
  [
    { 'oidc-issuer': ['https://login.microsoftonline.com/common/v2.0'], 'oidc-audience': ['a'] },
    /^--oidc-issuer: The tenant "common"/,
  ],
  [{ ...ISSUER, 'oidc-issuer': ['https://id.example.com=Blue'] }, /^--oidc-issuer: "Blue" .*not an instance name/],
  [{ ...ISSUER, 'oidc-audience': [' '] }, /^--oidc-audience: An audience must not be empty/],
  [{ ...ISSUER, 'oidc-clock-tolerance': '30' }, /^--oidc-clock-tolerance: 30 is not a duration/],
  [{ ...ISSUER, 'local-issuer': 'yes' }, /^--local-issuer: yes is neither on nor off/],
  [{ 'oidc-issuer': ['https://id.example.com'] }, /^--oidc-issuer and --oidc-audience belong together/],
  [{ 'oidc-audience': ['aduana'] }, /^--oidc-issuer and --oidc-audience belong together/],
  [{ assignments: 'roles.json' }, /^--assignments needs an --oidc-issuer/],
  [{ 'oidc-client-id': 'aduana' }, /^--oidc-client-id needs an --oidc-issuer/],
  [{ ...ISSUER, 'oidc-client-id': 'a b' }, /^--oidc-client-id: "a b" is no id of a client/],
  [{ ...ISSUER, 'oidc-scope': 'openid' }, /^--oidc-scope needs an --oidc-client-id/],
  [{ 'local-issuer': 'off' }, /^--local-issuer off needs an --oidc-issuer/],
  [{ 'tls-cert': 'cert.pem' }, /^--tls-cert and --tls-key belong together/],
]
for (const [flags, mistake] of WRONG) {
  test(`${JSON.stringify(flags)} is a mistake`, () => {
    const found = mistakes(flags)
    assert.equal(found.length, 1, found.join('\n'))
    assert.match(found[0] ?? '', mistake)
  })
}

test('every mistake is told at once', () => {
  const each = mistakes({ limits: 'big', limit: ['nonsense=1', 'updates'], 'oidc-issuer': ['x', 'y'], grace: 'long' })
  assert.deepEqual(each.map((sentence) => sentence.split(':')[0]).sort(), [
    '--grace',
    '--limit',
    '--limit',
    '--limits',
    '--oidc-issuer',
    '--oidc-issuer',
  ])
  assert.equal(mistakes({ assignments: 'roles.json', 'local-issuer': 'off', 'tls-key': 'key.pem' }).length, 3)
})

test('an issuer with an audience, and the local issuer beside it or not, is no mistake', () => {
  for (const flags of [{}, { assignments: 'roles.json' }, { 'local-issuer': 'on' }, { 'local-issuer': 'off' }]) {
    assert.deepEqual(mistakes({ ...ISSUER, ...flags }), [])
  }
})
