import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openStateFile, stateFolder } from './state-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'aduana-state-'))
after(() => rmSync(folder, { recursive: true }))

test('changes that come at the same time are all kept, in a file that only its owner reads', async () => {
  const inside = join(folder, 'new')
  const file = openStateFile<number>('numbers.json', inside)
  assert.deepEqual({ ...(await file.read()) }, {})
  await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      openStateFile<number>('numbers.json', inside).change((entries) => {
        entries[`n${i}`] = i
      }),
    ),
  )
  assert.equal(Object.keys(await file.read()).length, 20)
  assert.deepEqual(readdirSync(inside), ['numbers.json'])
  assert.equal(statSync(join(inside, 'numbers.json')).mode & 0o777, 0o600)
})

test('a change that fails leaves what was changed before it failed, and the lock free', async () => {
  const file = openStateFile<number>('failing.json', folder)
  const failing = file.change((entries) => {
    entries.a = 1
    throw new Error('no')
  })
  await assert.rejects(failing, /no/)
  assert.equal((await file.read()).a, 1)
  await file.change((entries) => {
    delete entries.a
  })
  assert.equal((await file.read()).a, undefined)
})

test('what is torn counts as empty, and the lock of a process that died is taken over', async () => {
  writeFileSync(join(folder, 'torn.json'), '{"a": ')
  const lock = join(folder, 'torn.json.lock')
  writeFileSync(lock, '')
  utimesSync(lock, new Date(0), new Date(0))
  const file = openStateFile<number>('torn.json', folder)
  await file.change((entries) => {
    entries.a = 7
  })
  assert.deepEqual(Object.entries(await file.read()), [['a', 7]])
})

test('the folder is where each system keeps such things', () => {
  assert.equal(stateFolder({ XDG_STATE_HOME: '/x' }), join('/x', 'aduana'))
  assert.equal(stateFolder({ LOCALAPPDATA: '/w' }), join('/w', 'aduana'))
  assert.match(stateFolder({}), /\.local.state.aduana$/)
})
