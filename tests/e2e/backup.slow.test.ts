import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { backUpFolder, restoreFolder } from '../../src/compose/backup.ts'
import { importWithoutPause } from '../support/import-without-pause.ts'
import { startSource } from '../support/misbehaving-source.ts'
import { runAduana } from '../support/run-aduana.ts'
import { startAduana } from '../support/start-aduana.ts'

const KILLS = 6

test('however often backups and restores are killed under load, the last finished backup can be restored', {
  timeout: 400_000,
}, async () => {
  const root = await mkdtemp(join(tmpdir(), 'aduana-e2e-backup-'))
  await using source = await startSource()
  await using aduana = await startAduana({
    flags: ['--allow-source', '127.0.0.0/8', '--sweep-after', '500ms'],
    inFolder: true,
  })
  const load = importWithoutPause(await aduana.client(), source, 2)
  const to = join(root, 'backup')
  const data = join(root, 'restored')
  try {
    // What one takes says where the kills have to fall.
    const startedAt = performance.now()
    await backUpFolder({ data: aduana.folder, to, withKeys: true, verify: false })
    await runAduana(['backup', '--data', aduana.folder, '--to', to])
    const wholeMs = performance.now() - startedAt
    let finished = 0
    for (let kill = 0; kill < KILLS; kill += 1) {
      const before = await readFile(join(to, 'backup.json'), 'utf8')
      const killed = delay(wholeMs * (0.3 + (0.9 * kill) / KILLS))
      const { status } = await runAduana(['backup', '--data', aduana.folder, '--to', to], { killed })
      if (status === 0) finished += 1
      else assert.equal(status, null)
      const description = JSON.parse(await readFile(join(to, 'backup.json'), 'utf8'))

      // A restore is killed, too, before it is let come to its end.
      await runAduana(['restore', '--from', to, '--data', data], { killed: delay(wholeMs * Math.random()) })
      if (!existsSync(join(data, 'installation.json')) || existsSync(join(data, 'restore.unfinished'))) {
        assert.deepEqual(await restoreFolder({ from: to, data }), description)
      }
      // It reads every byte that the catalogue names.
      const check = await backUpFolder({ data, to: join(root, 'check'), withKeys: true, verify: true })
      assert.deepEqual([check.updates, check.blobs, check.interrupted], [description.updates, description.blobs, 0])
      await rm(data, { recursive: true })
      if (status === null && JSON.parse(before).snapshot !== description.snapshot) finished += 1
    }
    assert.ok(finished < KILLS, 'some kills came in time')
  } finally {
    await load.stop()
    await rm(root, { recursive: true, force: true })
  }
})
