import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openHttpSource } from './source-http.ts'
import { createSourcePolicy, parseAllowedSource } from './source-policy.ts'

const allowing = (...entries: string[]) => createSourcePolicy(entries.map(parseAllowedSource))

// What the names below resolve to. No other name is asked for.
const ADDRESSES: Record<string, string[]> = {
  localhost: ['::1', '127.0.0.1'],
  'localhost.': ['127.0.0.1'],
  'files.internal': ['10.1.2.3'],
  'rebound.example': ['192.168.0.1'],
  'metadata.google.internal': ['169.254.169.254'],
  'all-bad.example': ['10.0.0.1', 'fd00::1', '127.0.0.1'],
  'mapped.example': ['::ffff:127.0.0.1'],
  'empty.example': [],
  'xn--bcher-kva.example': ['172.20.0.9'],
}

const LOOPBACK = 'is a loopback address'
const PRIVATE = 'is a private address'
const METADATA = 'is a cloud metadata address'
const RESERVED = 'is a reserved address'

// Each URL with the words that must stand in the refusal.
const HOSTILE: [url: string, refusal: string][] = [
  // Loopback in every notation that URL parsers know.
  ['http://127.0.0.1/', LOOPBACK],
  ['https://127.0.0.1/', LOOPBACK],
  ['http://127.1.2.3:8080/', LOOPBACK],
  ['http://2130706433/', LOOPBACK],
  ['http://0x7f000001/', LOOPBACK],
  ['http://0x7f.1/', LOOPBACK],
  ['http://0177.0.0.1/', LOOPBACK],
  ['http://017700000001/', LOOPBACK],
  ['http://127.1/', LOOPBACK],
  ['http://127.0.0.1./', LOOPBACK],
  ['http://%31%32%37.0.0.1/', LOOPBACK],
  ['http://１２７.0.0.1/', LOOPBACK],
  ['http://①②⑦.0.0.1/', LOOPBACK],
  ['http://127。0。0。1/', LOOPBACK],
  ['http:\\\\127.0.0.1\\x', LOOPBACK],
  ['http:127.0.0.1', LOOPBACK],
  ['http://[::1]/', LOOPBACK],
  ['http://[0:0:0:0:0:0:0:1]/', LOOPBACK],
  ['http://localhost/', LOOPBACK],
  ['http://LOCALHOST/', LOOPBACK],
  ['http://localhost./', LOOPBACK],
  ['http://0.0.0.0/', 'is an unspecified address'],
  ['http://0/', 'is an unspecified address'],
  ['http://0.1.2.3/', 'is an unspecified address'],
  ['http://[::]/', 'is an unspecified address'],

  // Private and neighbouring networks.
  ['http://10.0.0.1/', PRIVATE],
  ['http://167772161/', PRIVATE],
  ['http://172.16.0.1/', PRIVATE],
  ['http://172.31.255.255/', PRIVATE],
  ['http://192.168.1.1/', PRIVATE],
  ['http://0xc0.0xa8.1.1/', PRIVATE],
  ['http://100.64.0.1/', 'is a shared (carrier-grade NAT) address'],
  ['http://169.254.1.1/', 'is a link-local address'],
  ['http://[fe80::1]/', 'is a link-local address'],
  ['http://[fc00::1]/', 'is a private (unique local) address'],
  ['http://[fdff::1]/', 'is a private (unique local) address'],
  ['http://[fec0::1]/', RESERVED],

  // Where clouds keep the secrets of their machines.
  ['http://169.254.169.254/metadata/instance', METADATA],
  ['http://2852039166/', METADATA],
  ['http://0xa9fea9fe/', METADATA],
  ['http://168.63.129.16/machine', METADATA],
  ['http://100.100.100.200/', METADATA],
  ['http://[fd00:ec2::254]/latest/meta-data', METADATA],
  ['http://[fd20:ce::254]/', METADATA],
  ['http://metadata.google.internal/', METADATA],

  // Addresses that carry another address.
  ['http://[::ffff:127.0.0.1]/', 'is an IPv4-mapped address'],
  ['http://[::ffff:7f00:1]/', 'is an IPv4-mapped address'],
  ['http://[::ffff:8.8.8.8]/', 'is an IPv4-mapped address'],
  ['http://[::127.0.0.1]/', RESERVED],
  ['http://[::ffff:0:127.0.0.1]/', 'is a translated (SIIT) address'],
  ['http://[64:ff9b::7f00:1]/', 'is a translated (NAT64) address'],
  ['http://[64:ff9b:1::a00:1]/', 'is a translated (NAT64) address'],
  ['http://[2002:7f00:1::]/', 'is a translated (6to4) address'],
  ['http://[2001:0:7f00:1::]/', 'is a translated (Teredo) address'],

  // Addresses that are nobody's or everybody's.
  ['http://224.0.0.1/', 'is a multicast address'],
  ['http://[ff02::1]/', 'is a multicast address'],
  ['http://255.255.255.255/', 'is the broadcast address'],
  ['http://240.0.0.1/', RESERVED],
  ['http://192.0.2.1/', RESERVED],
  ['http://198.51.100.1/', RESERVED],
  ['http://203.0.113.1/', RESERVED],
  ['http://198.18.0.1/', RESERVED],
  ['http://192.88.99.1/', RESERVED],
  ['http://[2001:db8::1]/', RESERVED],
  ['http://[3fff::1]/', RESERVED],
  ['http://[100::1]/', RESERVED],
  ['http://[4000::1]/', RESERVED],

  // Names that lead there.
  ['http://files.internal/', 'files.internal leads to 10.1.2.3, which is a private address'],
  ['https://rebound.example/', 'rebound.example leads to 192.168.0.1, which is a private address'],
  ['https://all-bad.example/', 'all-bad.example leads to 10.0.0.1, which is a private address'],
  ['https://mapped.example/', 'is an IPv4-mapped address'],
  ['https://bücher.example/', 'xn--bcher-kva.example leads to 172.20.0.9, which is a private address'],
  ['https://empty.example/', 'empty.example has no address'],

  // What is no plain http or https URL.
  ['http://user@files.example/', 'user name or password'],
  ['http://user:secret@files.example/', 'user name or password'],
  ['http://8.8.8.8@127.0.0.1/', 'user name or password'],
  ['ftp://files.example/', 'begins with "ftp:"'],
  ['file:///etc/passwd', 'begins with "file:"'],
  ['data:,hello', 'begins with "data:"'],
  ['gopher://127.0.0.1:25/', 'begins with "gopher:"'],
  ['blob:http://127.0.0.1/', 'begins with "blob:"'],
]

for (const [url, refusal] of HOSTILE) {
  test(`${url} is refused`, async () => {
    const source = openHttpSource({
      policy: createSourcePolicy(),
      version: '0',
      limits: { connectMs: 500 },
      resolve: async (hostname) => ADDRESSES[hostname] ?? assert.fail(`asked for ${hostname}`),
    })
    try {
      await assert.rejects(
        source.open(new URL(url), { sizeInBytes: 1, signal: new AbortController().signal }),
        (error) => {
          assert(error instanceof Error && 'code' in error && 'mayRecover' in error)
          assert.equal(error.code, 'SourceRefused')
          assert.equal(error.mayRecover, false)
          assert(error.message.includes(refusal), error.message)
          assert(!error.message.includes('secret'), error.message)
          return true
        },
      )
    } finally {
      await source.close()
    }
  })
}

test('public addresses are allowed without any setting', () => {
  const addresses = ['8.8.8.8', '20.60.1.1', '1.1.1.1', '172.32.0.1', '100.128.0.1', '2606:4700::1111', '2a01:111::1']
  const place = { hostname: 'acct.blob.core.windows.net', port: 443, addresses }
  assert.deepEqual(createSourcePolicy().judge(place), { allowed: addresses, refused: [] })
})

test('every address of a name is judged by itself', () => {
  const judgement = createSourcePolicy().judge({
    hostname: 'mixed.example',
    port: 443,
    addresses: ['10.0.0.1', '8.8.8.8', 'fd00::1'],
  })
  assert.deepEqual(judgement, {
    allowed: ['8.8.8.8'],
    refused: [
      { address: '10.0.0.1', kind: 'a private address' },
      { address: 'fd00::1', kind: 'a private (unique local) address' },
    ],
  })
})

// Entry, host, port, address, and whether the entry opens it.
const OPENED: [entry: string, hostname: string, port: number, address: string, allowed: boolean][] = [
  ['files.internal', 'files.internal', 80, '10.1.2.3', true],
  ['files.internal', 'FILES.internal.', 80, '10.1.2.3', true],
  ['Files.Internal.', 'files.internal', 8080, '127.0.0.1', true],
  ['files.internal', 'other.internal', 80, '10.1.2.3', false],
  ['files.internal', 'sub.files.internal', 80, '10.1.2.3', false],
  ['internal', 'files.internal', 80, '10.1.2.3', false],
  ['files.internal:8080', 'files.internal', 8080, '10.1.2.3', true],
  ['files.internal:8080', 'files.internal', 80, '10.1.2.3', false],
  ['bücher.example', 'xn--bcher-kva.example', 80, '10.1.2.3', true],
  ['10.1.2.3', 'files.internal', 80, '10.1.2.3', true],
  ['10.1.2.3', '10.1.2.3', 80, '10.1.2.3', true],
  ['10.1.2.3', 'files.internal', 80, '10.1.2.4', false],
  ['10.1.2.3:80', '10.1.2.3', 81, '10.1.2.3', false],
  ['10.0.0.0/8', 'files.internal', 80, '10.255.0.1', true],
  ['10.0.0.0/8', 'files.internal', 80, '192.168.0.1', false],
  ['10.0.0.0/8', 'files.internal', 80, '::ffff:10.0.0.1', false],
  ['10.0.0.0/8:443', 'files.internal', 443, '10.0.0.1', true],
  ['10.0.0.0/8:443', 'files.internal', 80, '10.0.0.1', false],
  ['0.0.0.0/0', 'files.internal', 80, '127.0.0.1', true],
  ['0.0.0.0/0', 'files.internal', 80, '::1', false],
  ['::1', 'localhost', 80, '::1', true],
  ['[::1]', '[::1]', 80, '::1', true],
  ['[::1]:8080', '::1', 8080, '::1', true],
  ['[::1]:8080', '::1', 80, '::1', false],
  ['fd00::/8', 'files.internal', 80, 'fd12::1', true],
  ['[fd00::/8]:443', 'files.internal', 443, 'fd12::1', true],
  ['fd00::/8:443', 'files.internal', 80, 'fd12::1', false],
  ['64:ff9b::/96', 'files.internal', 443, '64:ff9b::808:808', true],
]

for (const [entry, hostname, port, address, expected] of OPENED) {
  test(`--allow-source ${entry} ${expected ? 'opens' : 'does not open'} ${hostname} port ${port} at ${address}`, () => {
    const { allowed, refused } = allowing(entry).judge({ hostname, port, addresses: [address] })
    assert.deepEqual(allowed, expected ? [address] : [])
    assert.equal(refused.length, expected ? 0 : 1)
  })
}

test('a host counts as named by its name, or by a range when it is an address itself', () => {
  assert(allowing('files.internal').allowsHost(new URL('http://FILES.internal./x')))
  assert(allowing('10.0.0.0/8:80').allowsHost(new URL('http://10.1.2.3/x')))
  assert(allowing('[::1]').allowsHost(new URL('http://[::1]:8080/x')))
  assert(!allowing('10.0.0.0/8:81').allowsHost(new URL('http://10.1.2.3/x')))
  assert(!allowing('10.0.0.0/8').allowsHost(new URL('http://files.internal/x')))
  assert(!allowing('files.internal:443').allowsHost(new URL('http://files.internal/x')))
})

const BAD_ENTRIES = [
  '',
  ' ',
  'http://files.internal',
  'files.internal/path',
  'files internal',
  '*.example.com',
  'a..b',
  'files.internal:',
  'files.internal:0',
  'files.internal:65536',
  'files.internal:http',
  '[::1]:99999',
  '10.0.0.0/33',
  'fd00::/129',
  '10.0.0.0/8/9',
  '10.0.0.0/x',
  '[::1/x]',
  '10',
  '10.1',
  '0177.0.0.1',
  '0x7f.1',
  '256.1.1.1',
  '[fd00::]/8',
  'user@files.internal',
]

for (const entry of BAD_ENTRIES) {
  test(`--allow-source "${entry}" is an error that quotes it`, () => {
    assert.throws(
      () => parseAllowedSource(entry),
      (error) => error instanceof Error && error.message.startsWith(`"${entry}" is no `) && error.message.endsWith('.'),
    )
  })
}
