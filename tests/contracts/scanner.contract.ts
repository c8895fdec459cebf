import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { EICAR } from '../../src/adapters/clamd/clamd-probes.ts'
import type { Scanner } from '../../src/ports/scanner.ts'
import { scanBytes } from '../support/scan-bytes.ts'

const KiB = 1024
const forever = () => new AbortController().signal

/**
 * What every `Scanner` promises. `open` gives one that finds the EICAR file, and lets at least `scansAtOnce` files be open at the
 * same time; all tests share it.
 */
export function scannerContract(
  name: string,
  open: () => Promise<{ scanner: Scanner; scansAtOnce: number; dispose(): Promise<void> }>,
  { skip = false }: { skip?: string | false } = {},
): void {
  describe(`scanner: ${name}`, () => {
    let scanner: Scanner
    let scansAtOnce: number
    let dispose: (() => Promise<void>) | undefined
    before(async () => {
      if (skip !== false) return
      ;({ scanner, scansAtOnce, dispose } = await open())
      await scanner.tested()
    })
    after(() => dispose?.())

    // Each test is skipped by itself, since the runner counts skipped tests, but not skipped suites.
    function promise(sentence: string, body: () => Promise<void>): void {
      test(sentence, { skip }, body)
    }

    async function findsEicar(): Promise<void> {
      assert.equal((await scanBytes(scanner, [EICAR])).kind, 'Infected')
    }

    promise('it names the signatures in force, and has proven a size', async () => {
      const signatures = await scanner.signatures()
      assert.match(String(signatures), /\S/)
      const status = await scanner.tested()
      assert.equal(status.signatures, signatures)
      assert.equal(status.isTesting, false)
      assert.ok(status.provenBytes >= EICAR.length)
    })

    promise('harmless bytes are clean, by the signatures in force', async () => {
      for (const sizeInBytes of [0, 1, 64 * KiB, 700 * KiB + 3]) {
        const verdict = await scanBytes(scanner, [randomBytes(sizeInBytes)])
        assert.equal(verdict.kind, 'Clean', JSON.stringify(verdict))
        assert.equal(verdict.kind === 'Clean' && verdict.signatures, await scanner.signatures())
      }
    })

    promise('malware is found wherever its bytes are parted, and empty chunks change nothing', async () => {
      for (const position of [0, 1, 34, EICAR.length - 1, EICAR.length]) {
        const chunks = [EICAR.subarray(0, position), new Uint8Array(), EICAR.subarray(position)]
        const verdict = await scanBytes(scanner, chunks)
        assert.equal(verdict.kind, 'Infected', `parted at ${position}`)
        assert.match(verdict.kind === 'Infected' ? verdict.name : '', /\S/)
      }
      const bytewise = Array.from(EICAR, (byte) => Uint8Array.of(byte))
      assert.equal((await scanBytes(scanner, bytewise)).kind, 'Infected')
    })

    promise('a chunk may be reused once it is written', async () => {
      await using scan = await scanner.begin({ sizeInBytes: EICAR.length, signal: forever() })
      const chunk = Buffer.alloc(17)
      for (let start = 0; start < EICAR.length; start += chunk.length) {
        const length = EICAR.copy(chunk, 0, start)
        await scan.write(chunk.subarray(0, length))
        chunk.fill(0)
      }
      assert.equal((await scan.verdict()).kind, 'Infected')
    })

    promise(
      'a file larger than what is proven is told at once to be not scanned, and writing it does no harm',
      async () => {
        const { provenBytes } = await scanner.tested()
        await using scan = await scanner.begin({ sizeInBytes: provenBytes + 1, signal: forever() })
        assert.match(scan.notScanned?.reason ?? '', new RegExp(`${provenBytes + 1} bytes`))
        assert.equal(scan.notScanned?.mayRecover, false)
        await scan.write(Buffer.alloc(KiB))
        assert.deepEqual(await scan.verdict(), scan.notScanned)
      },
    )

    promise('fewer or more bytes than announced are never clean', async () => {
      for (const sizeInBytes of [9, 11]) {
        const verdict = await scanBytes(scanner, [Buffer.alloc(10)], { sizeInBytes })
        assert.equal(verdict.kind, 'NotScanned')
        assert.equal(verdict.kind === 'NotScanned' && verdict.mayRecover, false)
      }
    })

    promise('asked again, a scan gives the same verdict', async () => {
      await using scan = await scanner.begin({ sizeInBytes: EICAR.length, signal: forever() })
      await scan.write(EICAR)
      const verdict = await scan.verdict()
      assert.equal(scan.notScanned, undefined)
      assert.deepEqual(await scan.verdict(), verdict)
    })

    promise(
      'files that are scanned at the same time get each its own verdict, also when they have to wait',
      async () => {
        const kinds = await Promise.all(
          Array.from({ length: 3 * scansAtOnce }, async (_, index) => {
            const bytes = index % 2 === 0 ? EICAR : randomBytes(100 * KiB)
            return (await scanBytes(scanner, [bytes.subarray(0, 30), bytes.subarray(30)])).kind
          }),
        )
        assert.deepEqual(
          kinds,
          kinds.map((_, index) => (index % 2 === 0 ? 'Infected' : 'Clean')),
        )
      },
    )

    promise('disposing of a scan without asking for its verdict makes room for another', async () => {
      for (let count = 0; count < 2 * scansAtOnce; count += 1) {
        await using scan = await scanner.begin({ sizeInBytes: 1000, signal: forever() })
        await scan.write(Buffer.alloc(10))
      }
      await findsEicar()
    })

    promise('an aborted signal ends a scan wherever it is, with its reason', async () => {
      const reason = new Error('enough')
      await assert.rejects(scanner.begin({ sizeInBytes: 10, signal: AbortSignal.abort(reason) }), reason)
      for (const step of ['write', 'verdict'] as const) {
        const controller = new AbortController()
        await using scan = await scanner.begin({ sizeInBytes: EICAR.length, signal: controller.signal })
        await scan.write(EICAR)
        controller.abort(reason)
        await assert.rejects(step === 'write' ? scan.write(EICAR) : scan.verdict(), reason)
      }
      await findsEicar()
    })

    promise('whoever waits for room can be called off', async () => {
      const held = await Promise.all(
        Array.from({ length: scansAtOnce }, () => scanner.begin({ sizeInBytes: 10, signal: forever() })),
      )
      const reason = new Error('enough')
      const controller = new AbortController()
      const waiting = scanner.begin({ sizeInBytes: 10, signal: controller.signal })
      setTimeout(() => controller.abort(reason), 50)
      await assert.rejects(waiting, reason)
      for (const scan of held) await scan[Symbol.asyncDispose]()
      await findsEicar()
    })
  })
}
