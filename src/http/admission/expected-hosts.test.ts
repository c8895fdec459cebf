import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { test } from 'node:test'
import { createHostCheck } from './expected-hosts.ts'

const asked = (host: string | undefined, socket: object = {}) =>
  ({ headers: { host }, socket }) as unknown as IncomingMessage

test('plain http is answered under the names of this machine, those configured and every address', () => {
  const isExpected = createHostCheck(['updates.example.com', 'toaster'])
  for (const host of [
    'localhost',
    'LOCALHOST:8480',
    '127.0.0.1:1',
    '[::1]:8480',
    'Updates.Example.com:80',
    'Toaster:8480',
    '[fd00::1]:8480',
    '10.0.0.1',
    'localhost.:80',
  ]) {
    assert.ok(isExpected(asked(host)), host)
  }
})

test('plain http is not answered under any other name, nor without one', () => {
  const isExpected = createHostCheck([])
  for (const host of [
    'rebind.example.com',
    'localhost.example.com',
    '127.0.0.1.example.com:80',
    '',
    undefined,
    '10.0.0.1.nip.io',
  ]) {
    assert.equal(isExpected(asked(host)), false, String(host))
  }
})

test('https is answered under every name, since the certificate decides', () => {
  assert.ok(createHostCheck([])(asked('anything.example.com', { encrypted: true })))
})
