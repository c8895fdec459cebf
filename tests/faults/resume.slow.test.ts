import { test } from 'node:test'
import { startSource } from '../support/misbehaving-source.ts'
import { importInterrupted } from './import-interrupted.ts'

const MiB = 1024 * 1024

test('an import of 512 MiB goes on after kills at 30, 60 and 90 %, with 1.1 times the file sent at most', async () => {
  await using source = await startSource()
  await importInterrupted(source, { title: 'large', sizeInBytes: 512 * MiB, at: [0.3, 0.6, 0.9], sentMax: 1.1 })
})
