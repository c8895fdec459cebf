import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hostNamed, hostOfMachine, inOrder } from './certificate-hosts.ts'

test('hosts are read as they stand in settings and URLs', () => {
  const expected = {
    LocalHost: ['dns', 'localhost'],
    'updates.example.com.': ['dns', 'updates.example.com'],
    'bücher.example': ['dns', 'xn--bcher-kva.example'],
    '192.0.2.7': ['ip', '192.0.2.7'],
    '[::1]': ['ip', '::1'],
    '2001:DB8:0:0::7': ['ip', '2001:db8::7'],
  }
  for (const [text, [type, value]] of Object.entries(expected)) assert.deepEqual(hostNamed(text), { type, value })
})

test('what is no host is refused by name', () => {
  for (const text of [
    '',
    'a b',
    'host:8443',
    'user@host',
    'host/path',
    '*.example.com',
    'under_score',
    'fe80::1%eth0',
    '-x',
  ]) {
    assert.throws(() => hostNamed(text), {
      message: new RegExp(`made for ${JSON.stringify(text).replace('*', '\\*')}:`),
    })
  }
})

test("a machine's name becomes one that a certificate can carry, or none", () => {
  assert.deepEqual(hostOfMachine("Ana's MacBook_Pro.local"), { type: 'dns', value: 'ana-s-macbook-pro.local' })
  assert.deepEqual(hostOfMachine('build..seven-'), { type: 'dns', value: 'build.seven' })
  for (const name of ['', '...', '名前', 'x'.repeat(64)]) assert.equal(hostOfMachine(name), undefined)
})

test('hosts come once each, whatever order they were given in', () => {
  const [one, other] = [hostNamed('a.example'), hostNamed('127.0.0.1')]
  assert.deepEqual(inOrder([one, other, one]), [other, one])
  assert.deepEqual(inOrder([other, one]), [other, one])
})
