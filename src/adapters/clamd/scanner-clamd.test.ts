import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { scannerContract } from '../../../tests/contracts/scanner.contract.ts'
import { MARKER, NAMES, noClamd, startClamd, TEST_FILES } from '../../../tests/support/clamd.ts'
import { startClamdRelay } from '../../../tests/support/clamd-relay.ts'
import { scanBytes } from '../../../tests/support/scan-bytes.ts'
import type { Verdict } from '../../domain/verdict.ts'
import type { Scanner, ScannerStatus } from '../../ports/scanner.ts'
import { parseClamdAddress } from './clamd-address.ts'
import { deepArchive, EICAR, eicarTar, encryptedZip } from './clamd-probes.ts'
import { type ClamdOptions, openClamdScanner } from './scanner-clamd.ts'

const KiB = 1024
const MiB = 1024 * KiB
const forever = () => new AbortController().signal

function open(url: string, options: Partial<ClamdOptions> = {}): Scanner & AsyncDisposable {
  const scanner = openClamdScanner({ address: parseClamdAddress(url), scanMaxBytes: 2 * MiB, ...options })
  return { ...scanner, [Symbol.asyncDispose]: () => scanner.close() }
}

/** Resolves with the first status of which `isWanted` is true. */
async function statusOf(scanner: Scanner, isWanted: (status: ScannerStatus) => boolean): Promise<ScannerStatus> {
  for (;;) {
    const status = await scanner.tested()
    if (isWanted(status)) return status
    await sleep(10)
  }
}

function assertInfected(verdict: Verdict, name = NAMES.eicar): void {
  assert.ok(verdict.kind === 'Infected', JSON.stringify(verdict))
  assert.equal(verdict.name, name)
  assert.match(verdict.signatures, /^ClamAV \d/)
}

function assertNotScanned(
  verdict: Verdict | undefined,
  { mayRecover, reason }: { mayRecover: boolean; reason: RegExp },
) {
  assert.equal(verdict?.kind, 'NotScanned', JSON.stringify(verdict))
  assert.match(verdict.reason, reason)
  assert.equal(verdict.mayRecover, mayRecover, verdict.reason)
}

/** A test of its own each, since the runner counts skipped tests, but not skipped suites. */
function testClamd(sentence: string, body: () => Promise<void>): void {
  test(sentence, { skip: noClamd }, body)
}

for (const [way, name] of [
  ['tcpUrl', 'clamd over TCP'],
  ['socketUrl', 'clamd over a Unix socket'],
] as const) {
  scannerContract(
    name,
    async () => {
      const clamd = await startClamd()
      const scanner = open(clamd[way], { connectionsMax: 3 })
      return {
        scanner,
        scansAtOnce: 3,
        async dispose() {
          await scanner.close()
          await clamd[Symbol.asyncDispose]()
        },
      }
    },
    { skip: noClamd },
  )
}

describe('what a real clamd finds', () => {
  testClamd('malware inside every file of clamav-testfiles', async () => {
    await using clamd = await startClamd()
    await using scanner = open(clamd.socketUrl)
    const names = await readdir(TEST_FILES)
    assert.ok(names.length > 30, `${names.length} files`)
    await Promise.all(
      names.map(async (name) => {
        assertInfected(await scanBytes(scanner, [await readFile(join(TEST_FILES, name))]), NAMES.program)
      }),
    )
  })

  testClamd('malware at the end of a tar, and anywhere in a file, also across chunks', async () => {
    await using clamd = await startClamd()
    await using scanner = open(clamd.socketUrl)
    assertInfected(await scanBytes(scanner, [...eicarTar(2 * MiB)]))
    const file = Buffer.concat([Buffer.alloc(MiB, 'a'), MARKER, Buffer.alloc(MiB / 2, 'b')])
    const chunks = [file.subarray(0, MiB + 3), file.subarray(MiB + 3)]
    assertInfected(await scanBytes(scanner, chunks), NAMES.marker)
  })

  testClamd(
    'no file is vouched for that it did not look into: encrypted ones, and archives beyond its limits',
    async () => {
      await using clamd = await startClamd()
      await using scanner = open(clamd.socketUrl)
      assert.deepEqual((await scanner.tested()).caveats, [])
      assertNotScanned(await scanBytes(scanner, [encryptedZip()]), { mayRecover: false, reason: /Encrypted\.Zip/ })
      assertNotScanned(await scanBytes(scanner, [deepArchive()]), { mayRecover: false, reason: /MaxRecursion/ })
    },
  )

  testClamd('where clamd keeps silent about these, a clean verdict says so', async () => {
    await using clamd = await startClamd({ AlertEncrypted: 'no', AlertExceedsMax: 'no' })
    await using scanner = open(clamd.socketUrl)
    const { caveats, problems, signatures } = await scanner.tested()
    assert.match(caveats.join('\n'), /AlertExceedsMax.*\n.*AlertEncrypted/)
    assert.deepEqual(problems, [])
    for (const bytes of [encryptedZip(), deepArchive()]) {
      assert.deepEqual(await scanBytes(scanner, [bytes]), { kind: 'Clean', signatures, caveats })
    }
  })
})

describe('the limits of clamd, which it tells nobody', () => {
  for (const [limitBytes, settings] of [
    [MiB, { StreamMaxLength: '1M' }],
    [1500 * KiB, { MaxFileSize: '1500K' }],
    [1500 * KiB, { MaxFileSize: '1500K', AlertExceedsMax: 'no' }],
    // clamd counts the tar and what it unpacks from it.
    [1250 * KiB, { MaxScanSize: '2500K' }],
    [1250 * KiB, { MaxScanSize: '2500K', AlertExceedsMax: 'no' }],
    [700 * KiB, { MaxFileSize: '700K', AlertExceedsMax: 'no' }],
  ] as const) {
    testClamd(`are measured: ${Object.entries(settings).flat().join(' ')}`, async () => {
      await using clamd = await startClamd(settings)
      await using scanner = open(clamd.socketUrl, { scanMaxBytes: 8 * MiB })
      const { provenBytes, problems } = await scanner.tested()
      assert.ok(provenBytes <= limitBytes && provenBytes * 1.11 >= limitBytes, `proven ${provenBytes}`)
      assert.match(problems.join(), /up to \d+ bytes only.*raise StreamMaxLength/)
      assertInfected(await scanBytes(scanner, [...eicarTar(provenBytes)]))
      await using scan = await scanner.begin({ sizeInBytes: limitBytes + 1, signal: forever() })
      assertNotScanned(scan.notScanned, { mayRecover: false, reason: /raise StreamMaxLength/ })
    })
  }

  testClamd('are found with the settings of the Debian package in a few steps', async () => {
    await using clamd = await startClamd({
      StreamMaxLength: '25M',
      MaxFileSize: '25M',
      MaxScanSize: '100M',
      AlertExceedsMax: 'no',
      AlertEncrypted: 'no',
    })
    await using relay = await startClamdRelay(clamd)
    await using scanner = openClamdScannerOf(relay.url)
    const { provenBytes } = await scanner.tested()
    assert.ok(provenBytes <= 25 * MiB && provenBytes > 22 * MiB, `proven ${provenBytes}`)
    assert.ok(relay.streams() <= 14, `${relay.streams()} steps`)
  })

  testClamd('a clamd that opens no archives vouches for nothing', async () => {
    await using clamd = await startClamd({ ScanArchive: 'no', AlertEncrypted: 'no' })
    await using scanner = open(clamd.socketUrl)
    assert.equal((await scanner.tested()).provenBytes, EICAR.length)
    assertNotScanned(await scanBytes(scanner, [Buffer.alloc(100)]), { mayRecover: false, reason: /ScanArchive/ })
  })

  testClamd(
    'while they are being measured, a file waits a while for the proof of its size, and then is not scanned',
    async () => {
      await using clamd = await startClamd()
      await using waiting = open(clamd.socketUrl, { scanMaxBytes: 8 * MiB })
      assert.equal((await scanBytes(waiting, [Buffer.alloc(2 * MiB)])).kind, 'Clean')
      await using hurried = open(clamd.socketUrl, { scanMaxBytes: 8 * MiB, times: { proofMs: 0 } })
      const verdict = await scanBytes(hurried, [Buffer.alloc(2 * MiB)])
      assertNotScanned(verdict, { mayRecover: true, reason: /test of its limits is still running/ })
    },
  )

  testClamd(
    'a file of more than 2,147,483,645 bytes is refused without asking, and so is what is more than asked for',
    async () => {
      await using away = openClamdScannerOf('clamd:///nowhere/clamd.sock')
      for (const [scanner, sizeInBytes] of [
        [away, 2_147_483_646],
        [open('clamd:///nowhere/clamd.sock'), 2 * MiB + 1],
      ] as const) {
        await using scan = await scanner.begin({ sizeInBytes, signal: forever() })
        assertNotScanned(scan.notScanned, { mayRecover: false, reason: new RegExp(`${sizeInBytes} bytes, more than`) })
        await scanner.close()
      }
    },
  )

  function openClamdScannerOf(url: string) {
    const scanner = openClamdScanner({ address: parseClamdAddress(url) })
    return { ...scanner, [Symbol.asyncDispose]: () => scanner.close() }
  }
})

describe('a clamd that is not there, or not all the time', () => {
  testClamd('one that is away is named with the true cause, and used as soon as it is back', async () => {
    await using clamd = await startClamd()
    await clamd.kill()
    const seen: ScannerStatus[] = []
    await using overTcp = open(clamd.tcpUrl, { onStatus: (status) => seen.push(status) })
    await using overSocket = open(clamd.socketUrl.replace('clamd.sock', 'other.sock'))
    for (const [scanner, reason] of [
      [overTcp, /^clamd at 127\.0\.0\.1:\d+ cannot be reached: nothing listens there \(ECONNREFUSED\)\.$/],
      [overSocket, /^clamd at \/.*other\.sock cannot be reached: there is no such socket \(ENOENT\)\.$/],
    ] as const) {
      assertNotScanned(await scanBytes(scanner, [EICAR]), { mayRecover: true, reason })
      assert.equal(await scanner.signatures(), undefined)
      const { problems, provenBytes, isTesting } = await scanner.tested()
      assert.match(problems.join(), reason)
      assert.deepEqual([provenBytes, isTesting], [0, false])
    }
    await clamd.start()
    assertInfected(await scanBytes(overTcp, [EICAR]))
    await overTcp.tested()
    assert.match(String(seen.at(0)?.problems), /ECONNREFUSED/)
    assert.deepEqual(seen.at(-1)?.problems, [])
    assert.equal(seen.at(-1)?.provenBytes, 2 * MiB)
  })

  testClamd('one that was restarted is measured again, and trusted only so far', async () => {
    await using clamd = await startClamd()
    await using scanner = open(clamd.socketUrl, { times: { retryMs: 20 } })
    assert.equal((await scanner.tested()).provenBytes, 2 * MiB)
    await clamd.kill()
    await clamd.start({ MaxFileSize: '1M', AlertExceedsMax: 'no' })
    const { provenBytes } = await statusOf(scanner, ({ problems }) => /only/.test(String(problems)))
    assert.equal(provenBytes, MiB)
    await using scan = await scanner.begin({ sizeInBytes: 2 * MiB, signal: forever() })
    assertNotScanned(scan.notScanned, { mayRecover: false, reason: /2097152 bytes, larger than the 1048576/ })
  })

  testClamd(
    'one that ends in the middle of a file has not scanned it, which is known before the file is over',
    async () => {
      await using clamd = await startClamd()
      for (const url of [clamd.tcpUrl, clamd.socketUrl]) {
        await using scanner = open(url)
        await scanner.tested()
        await using scan = await scanner.begin({ sizeInBytes: 2 * MiB, signal: forever() })
        await scan.write(Buffer.alloc(MiB))
        assert.equal(scan.notScanned, undefined)
        await clamd.kill()
        await scan.write(Buffer.alloc(MiB / 2))
        await scan.write(Buffer.alloc(MiB / 2))
        const facts = { mayRecover: true, reason: /closed the connection after \d+ bytes without a reply/ }
        assertNotScanned(scan.notScanned, facts)
        assertNotScanned(await scan.verdict(), facts)
        await clamd.start()
      }
    },
  )

  testClamd('a write waits until clamd takes the bytes', async () => {
    await using clamd = await startClamd()
    await using scanner = open(clamd.socketUrl)
    await scanner.tested()
    await using scan = await scanner.begin({ sizeInBytes: MiB, signal: forever() })
    clamd.freeze()
    let isTaken = false
    const writing = scan.write(Buffer.alloc(MiB)).then(() => {
      isTaken = true
    })
    await sleep(100)
    assert.equal(isTaken, false)
    clamd.thaw()
    await writing
    assert.equal((await scan.verdict()).kind, 'Clean')
  })

  testClamd('one that stands still has not scanned the file, after the time that it is given', async () => {
    await using clamd = await startClamd()
    const times = { silenceMs: 300, replyMs: 300, lookEveryMs: 50 }
    await using scanner = open(clamd.socketUrl, { times })
    await scanner.tested()
    await using unread = await scanner.begin({ sizeInBytes: MiB, signal: forever() })
    await using unanswered = await scanner.begin({ sizeInBytes: 100, signal: forever() })
    await unanswered.write(Buffer.alloc(100))
    // While the source is slow, nothing waits for clamd.
    await sleep(2 * times.silenceMs)
    assert.equal(unread.notScanned, undefined)
    clamd.freeze()
    await unread.write(Buffer.alloc(MiB))
    assertNotScanned(unread.notScanned, { mayRecover: true, reason: /took no bytes for 0\.3 s/ })
    assertNotScanned(await unanswered.verdict(), { mayRecover: true, reason: /gave no verdict within 0\.3 s/ })
    const waiting = assert.rejects(scanBytes(scanner, [EICAR], { signal: AbortSignal.timeout(50) }), /timeout/)
    await statusOf(scanner, ({ problems }) => /gave no answer within 0\.3 s/.test(problems.join()))
    await waiting
    clamd.thaw()
    assertInfected(await scanBytes(scanner, [EICAR]))
  })

  testClamd('slow files keep its threads free for others; those that are too slow for it are not scanned', async () => {
    await using clamd = await startClamd({ MaxThreads: 1, ReadTimeout: 1 })
    await using scanner = open(clamd.socketUrl)
    await scanner.tested()
    const slow = await Promise.all(
      Array.from({ length: 15 }, () => scanner.begin({ sizeInBytes: 100, signal: forever() })),
    )
    for (const scan of slow) await scan.write(Buffer.alloc(10))
    assertInfected(await scanBytes(scanner, [EICAR]))
    for (const scan of slow) {
      while (scan.notScanned === undefined) await sleep(20)
      assertNotScanned(scan.notScanned, { mayRecover: true, reason: /COMMAND READ TIMED OUT/ })
      await scan[Symbol.asyncDispose]()
    }
  })

  testClamd('closing the scanner ends whatever waits for it', async () => {
    await using clamd = await startClamd()
    const scanner = open(clamd.socketUrl, { connectionsMax: 1, scanMaxBytes: 100 * MiB })
    const scan = await scanner.begin({ sizeInBytes: 10, signal: forever() })
    const waiting = assert.rejects(scanner.begin({ sizeInBytes: 10, signal: forever() }), /scanner is closed/)
    await scanner.close()
    await waiting
    await assert.rejects(scan.verdict(), /scanner is closed/)
    await assert.rejects(scanner.begin({ sizeInBytes: 10, signal: forever() }), /scanner is closed/)
    assert.equal(await scanner.signatures(), undefined)
    assert.equal((await scanner.tested()).isTesting, false)
  })
})

describe('a clamd that misbehaves', () => {
  testClamd('one that closes the connection has not scanned the file; the next one it may', async () => {
    await using clamd = await startClamd()
    await using relay = await startClamdRelay(clamd)
    await using scanner = open(relay.url)
    await scanner.tested()
    relay.fault = { closeAfterBytes: 100_000 }
    assertNotScanned(await scanBytes(scanner, [...eicarTar(MiB)]), { mayRecover: true, reason: /without a reply/ })
    relay.fault = undefined
    assert.equal((await scanBytes(scanner, [EICAR])).kind, 'Infected')
  })

  testClamd('while limits are measured, a closed connection counts as one', async () => {
    await using clamd = await startClamd()
    await using relay = await startClamdRelay(clamd)
    relay.fault = { closeAfterBytes: 1_200_000 }
    await using scanner = open(relay.url)
    const { provenBytes } = await scanner.tested()
    assert.ok(provenBytes < 1_200_000 && provenBytes >= MiB, `proven ${provenBytes}`)
  })

  testClamd('a reply that comes before the end is no verdict, and known at once', async () => {
    await using clamd = await startClamd()
    await using relay = await startClamdRelay(clamd)
    await using scanner = open(relay.url)
    await scanner.tested()
    for (const [reply, reason, mayRecover] of [
      ["INSTREAM: Can't write to temporary file. ERROR\0", /temporary file/, true],
      ['INSTREAM size limit exceeded. ERROR\0', /size limit exceeded/, false],
      ['stream: OK\0', /before it had all bytes/, true],
    ] as const) {
      relay.fault = { replyAtOnce: reply }
      await using scan = await scanner.begin({ sizeInBytes: 20, signal: forever() })
      await scan.write(Buffer.alloc(10))
      while (scan.notScanned === undefined) await sleep(5)
      assertNotScanned(scan.notScanned, { mayRecover, reason })
      await scan.write(Buffer.alloc(10))
      assertNotScanned(await scan.verdict(), { mayRecover, reason })
    }
  })

  testClamd('one that was restarted meanwhile is not believed, since its limits may be others now', async () => {
    await using clamd = await startClamd()
    await using relay = await startClamdRelay(clamd)
    await using scanner = open(relay.url)
    for (const bytes of [Buffer.alloc(EICAR.length), EICAR]) {
      await scanner.tested()
      await using scan = await scanner.begin({ sizeInBytes: bytes.length, signal: forever() })
      await scan.write(bytes)
      relay.endSessions()
      while (scanner.status().signatures !== undefined) await sleep(1)
      const verdict = await scan.verdict()
      if (bytes === EICAR) assertInfected(verdict)
      else assertNotScanned(verdict, { mayRecover: true, reason: /restarted during the scan/ })
    }
  })

  testClamd('a reply that is not understood is never a clean verdict', async () => {
    await using clamd = await startClamd()
    await using relay = await startClamdRelay(clamd)
    await using scanner = open(relay.url)
    await scanner.tested()
    for (const reply of ['\0', 'OK\0', 'stream: OK?\0', 'stream: \x1b[2J OK\0', `${'stream: OK'.repeat(1000)}`]) {
      relay.fault = { replaceReply: reply }
      assertNotScanned(await scanBytes(scanner, [Buffer.alloc(10)]), { mayRecover: true, reason: /clamd/ })
    }
  })

  testClamd('one that does not find the EICAR file scans nothing, until it does', async () => {
    await using clamd = await startClamd()
    await using relay = await startClamdRelay(clamd)
    relay.fault = { replaceReply: 'stream: OK\0' }
    await using scanner = open(relay.url, { times: { retestMs: 50 } })
    await statusOf(scanner, ({ problems }) => /does not find the EICAR test file/.test(problems.join()))
    assert.equal(scanner.status().provenBytes, 0)
    relay.fault = undefined
    const { problems } = await statusOf(scanner, ({ provenBytes }) => provenBytes === 2 * MiB)
    assert.deepEqual(problems, [])
  })

  testClamd('new signatures are noticed, tested and named, while what was proven stays so', async () => {
    await using clamd = await startClamd()
    await using relay = await startClamdRelay(clamd)
    await using scanner = open(relay.url, { times: { lookEveryMs: 20 } })
    await scanner.tested()
    const streams = relay.streams()
    relay.version = 'ClamAV 1.4.6/27501/Tue Nov 17 09:25:01 2026'
    while (scanner.status().signatures !== relay.version) {
      assert.equal(scanner.status().provenBytes, 2 * MiB)
      await sleep(5)
    }
    assert.equal((await scanner.tested()).provenBytes, 2 * MiB)
    assert.ok(relay.streams() > streams)
    const verdict = await scanBytes(scanner, [Buffer.alloc(10)])
    assert.deepEqual(verdict, { kind: 'Clean', signatures: relay.version, caveats: [] })
  })

  testClamd('what answers otherwise than clamd does is none', async () => {
    await using clamd = await startClamd()
    await using relay = await startClamdRelay(clamd)
    relay.version = ''
    await using scanner = open(relay.url)
    const facts = { mayRecover: true, reason: /does not answer as clamd does/ }
    assertNotScanned(await scanBytes(scanner, [Buffer.alloc(10)]), facts)
  })
})
