import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigurationError, readSettings } from './read-settings.ts'
import { SERVE_SETTINGS } from './serve-settings.ts'
import { parseDuration, parseHostPort, parseSize } from './values.ts'

const known = [...Object.keys(SERVE_SETTINGS), 'role', 'minutes']
const read = (from: {
  flags?: Record<string, string | string[]>
  environment?: Record<string, string>
  file?: string
}) =>
  readSettings(SERVE_SETTINGS, {
    flags: from.flags ?? {},
    environment: from.environment ?? {},
    file: from.file === undefined ? undefined : { path: 'aduana.json', text: from.file },
    known,
  })

function mistakes(run: () => unknown): readonly string[] {
  try {
    run()
  } catch (error) {
    if (error instanceof ConfigurationError) return error.mistakes
    throw error
  }
  assert.fail('no mistake was found')
}

test('without anything there are defaults', () => {
  const config = read({})
  assert.equal(config.data, './data')
  assert.deepEqual(config.http, { host: '127.0.0.1', port: 8480 })
  assert.deepEqual(config.instance, [])
  assert.equal(config['public-url'], undefined)
  assert.equal(config['sweep-after'], 24 * 3600 * 1000)
})

test('a flag wins over a variable, a variable over the file', () => {
  const file = JSON.stringify({ data: 'from-file', grace: '1s', 'log-level': 'warn' })
  const config = read({
    file,
    environment: { ADUANA_DATA: 'from-variable', ADUANA_GRACE: '2s' },
    flags: { data: 'from-flag' },
  })
  assert.equal(config.data, 'from-flag')
  assert.equal(config.grace, 2000)
  assert.equal(config['log-level'], 'warn')
})

test('a repeatable setting is a list in the file and divided by commas in a variable', () => {
  assert.deepEqual(read({ file: '{"instance": ["blue", "green"]}' }).instance, ['blue', 'green'])
  assert.deepEqual(read({ environment: { ADUANA_INSTANCE: 'blue, green' } }).instance, ['blue', 'green'])
  assert.deepEqual(read({ flags: { instance: ['red'] }, environment: { ADUANA_INSTANCE: 'blue' } }).instance, ['red'])
})

test('an empty variable counts as not set, and one of another command is nobody’s mistake', () => {
  assert.equal(
    read({ environment: { ADUANA_DATA: '', ADUANA_ROLE: 'Device Update Reader', PATH: '/bin' } }).data,
    './data',
  )
})

test('every mistake is told at once, with where it came from', () => {
  const found = mistakes(() =>
    read({
      file: '{"colour": "red", "grace": true, "data": ["a", "b"]}',
      environment: { ADUANA_HTPP: '127.0.0.1:1', ADUANA_HTTPS: 'localhost' },
      flags: { instance: ['Blue'], 'public-url': 'updates.example.com' },
    }),
  )
  assert.deepEqual(
    found.map((sentence) =>
      sentence
        .split(': ')
        .slice(0, sentence.startsWith('aduana.json') ? 2 : 1)
        .join(': '),
    ),
    [
      'ADUANA_HTPP',
      'aduana.json: colour',
      'aduana.json: grace',
      'aduana.json: data',
      'ADUANA_HTTPS',
      '--public-url',
      '--instance',
    ],
  )
})

test('a file that is not one JSON object is refused', () => {
  assert.match(mistakes(() => read({ file: 'data: x' }))[0] ?? '', /aduana\.json: not JSON/)
  assert.match(mistakes(() => read({ file: '[]' }))[0] ?? '', /must be one JSON object/)
})

test('an address is a host and a port', () => {
  assert.deepEqual(parseHostPort('[::1]:0'), { host: '::1', port: 0 })
  assert.deepEqual(parseHostPort('updates.example.com:443'), { host: 'updates.example.com', port: 443 })
  for (const text of ['8080', ':8080', '127.0.0.1', '127.0.0.1:99999', '::1:80', 'a b:1']) {
    assert.throws(() => parseHostPort(text), /is not HOST:PORT/, text)
  }
})

test('a size has a unit', () => {
  assert.deepEqual(['1KiB', '500MiB', '32GiB', '2TiB'].map(parseSize), [1024, 500 * 2 ** 20, 2 ** 35, 2 ** 41])
  for (const text of ['10', '0GiB', '1GB', '1.5GiB', '-1MiB', '10000TiB', ''])
    assert.throws(() => parseSize(text), /is not a size/, text)
})

test('a duration has a unit', () => {
  assert.deepEqual(
    ['500ms', '30s', '10m', '24h', '7d'].map(parseDuration),
    [500, 30_000, 600_000, 86_400_000, 604_800_000],
  )
  for (const text of ['10', '-1s', '1.5h', '1w', ''])
    assert.throws(() => parseDuration(text), /is not a duration/, text)
})
