import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { deepArchive, EICAR, EICAR_TAR_BYTES_MIN, eicarTar, encryptedZip } from './clamd-probes.ts'

const MiB = 1024 * 1024

test('the EICAR file is the one that everybody knows', () => {
  assert.equal(createHash('md5').update(EICAR).digest('hex'), '44d88612fea8a8f36de82e1278abb02f')
})

test('a tar has exactly the size asked for, whatever it is, and the EICAR file once, at its end', () => {
  for (const base of [EICAR_TAR_BYTES_MIN, MiB, 16 * MiB, 33 * MiB]) {
    for (const more of [0, 1, 511, 512, 1023, 1024, 1025, 1536]) {
      const tar = Buffer.concat([...eicarTar(base + more)])
      assert.equal(tar.length, base + more)
      const position = tar.indexOf(EICAR)
      assert.ok(position >= tar.length - EICAR_TAR_BYTES_MIN - 1024, `at ${position} of ${tar.length}`)
      assert.equal(tar.indexOf(EICAR, position + 1), -1)
    }
  }
})

test('a tar of the largest size is made piece by piece', () => {
  let sizeInBytes = 0
  let longest = 0
  for (const chunk of eicarTar(2_147_483_645)) {
    sizeInBytes += chunk.length
    longest = Math.max(longest, chunk.length)
  }
  assert.equal(sizeInBytes, 2_147_483_645)
  assert.ok(longest <= MiB, `a chunk of ${longest} bytes`)
})

test('the deep archive is deeper than 100 levels, and has the EICAR file in it', () => {
  let bytes = deepArchive()
  let depth = 0
  for (; !EICAR.equals(bytes); depth += 1) bytes = gunzipSync(bytes)
  assert.ok(depth > 100)
})

test('the encrypted zip has one member, marked as encrypted at both places', () => {
  const zip = Buffer.from(encryptedZip())
  const central = zip.readUInt32LE(zip.length - 6)
  assert.equal(zip.readUInt32LE(0), 0x04034b50)
  assert.equal(zip.readUInt32LE(central), 0x02014b50)
  assert.deepEqual([zip.readUInt16LE(6), zip.readUInt16LE(central + 8)], [1, 1])
})
