import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clamdTitle, parseClamdAddress } from './clamd-address.ts'

test('host and port, or the path of a Unix socket', () => {
  for (const [text, address, title] of [
    ['clamd://127.0.0.1:3310', { host: '127.0.0.1', port: 3310 }, 'clamd at 127.0.0.1:3310'],
    ['clamd://scanner.example:65535', { host: 'scanner.example', port: 65535 }, 'clamd at scanner.example:65535'],
    ['clamd://[::1]:1', { host: '::1', port: 1 }, 'clamd at [::1]:1'],
    ['clamd:///run/clamav/clamd.ctl', { path: '/run/clamav/clamd.ctl' }, 'clamd at /run/clamav/clamd.ctl'],
    ['clamd:///tmp/a b:c', { path: '/tmp/a b:c' }, 'clamd at /tmp/a b:c'],
  ] as const) {
    assert.deepEqual(parseClamdAddress(text), address)
    assert.equal(clamdTitle(address), title)
  }
})

test('anything else is refused with a sentence that names the mistake and the right form', () => {
  for (const [text, sentence] of [
    ['', /is not the address of a clamd\. Write clamd:\/\/HOST:PORT/],
    ['127.0.0.1:3310', /127\.0\.0\.1:3310 is not the address of a clamd/],
    ['http://127.0.0.1:3310', /is not the address of a clamd/],
    ['clamd://', /is not the address of a clamd/],
    ['clamd://run/clamd.ctl', /is not the address of a clamd.*clamd:\/\/\/PATH/],
    ['clamd://user@host:3310', /is not the address of a clamd/],
    ['clamd://::1:3310', /is not the address of a clamd/],
    ['clamd://host', /has no port; that of clamd is usually 3310/],
    ['clamd://host:0', /0 is not a port from 1 to 65535/],
    ['clamd://host:65536', /65536 is not a port/],
    ['clamd:///', /names no socket file/],
    ['clamd:///run/', /names no socket file/],
    [`clamd:///${'x'.repeat(107)}`, /at most 107 bytes/],
  ] as const) {
    assert.throws(() => parseClamdAddress(text), sentence, text)
  }
})
