import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noClamd, startClamd } from '../../../tests/support/clamd.ts'
import { parseClamdAddress } from './clamd-address.ts'
import { eicarTar } from './clamd-probes.ts'
import { openClamdScanner } from './scanner-clamd.ts'

const BYTES_MAX = 2_147_483_645
const MiB = 1024 * 1024

test('files of up to 2,147,483,645 bytes are proven to be scanned, and scanned, in little memory', {
  skip: noClamd,
  timeout: 20 * 60_000,
}, async () => {
  await using clamd = await startClamd()
  const scanner = openClamdScanner({ address: parseClamdAddress(clamd.socketUrl) })
  const memory = process.memoryUsage().rss
  let mostMemory = 0
  const watching = setInterval(() => {
    mostMemory = Math.max(mostMemory, process.memoryUsage().rss)
  }, 100)
  try {
    const { provenBytes, problems } = await scanner.tested()
    assert.deepEqual(problems, [])
    assert.equal(provenBytes, BYTES_MAX)

    const { signal } = new AbortController()
    await using scan = await scanner.begin({ sizeInBytes: BYTES_MAX, signal })
    for (const chunk of eicarTar(BYTES_MAX)) await scan.write(chunk)
    assert.equal((await scan.verdict()).kind, 'Infected')
    await using larger = await scanner.begin({ sizeInBytes: BYTES_MAX + 1, signal })
    assert.match(larger.notScanned?.reason ?? '', /more than the 2147483645 that ClamAV can scan at most/)
    assert.ok(mostMemory - memory < 100 * MiB, `${(mostMemory - memory) / MiB} MiB more`)
  } finally {
    clearInterval(watching)
    await scanner.close()
  }
})
