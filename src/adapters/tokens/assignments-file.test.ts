import assert from 'node:assert/strict'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { openAssignmentsFile } from './assignments-file.ts'

const ISSUER = 'https://id.example'
const assignable = { issuers: new Map([[ISSUER, ISSUER]]), instances: new Set(['blue']) }
const textFor = (...subjects: string[]) =>
  JSON.stringify({ assignments: [{ role: 'Device Update Reader', instances: ['blue'], subjects }] })

/** A file with assignments, and what is logged about it. */
async function setUp(t: TestContext, text: string) {
  const folder = await mkdtemp(join(tmpdir(), 'aduana-assignments-'))
  t.after(() => rm(folder, { recursive: true }))
  const path = join(folder, 'assignments.json')
  await writeFile(path, text)
  const told: string[] = []
  const tell = (facts: object, message: string) => told.push(`${message} ${JSON.stringify(facts)}`)
  return {
    path,
    told,
    async open() {
      const file = await openAssignmentsFile({ path, assignable, everyMs: 5, log: { info: tell, error: tell } })
      t.after(() => file.close())
      return file
    },
    /** Waits until the last line of the log is such. */
    async until(pattern: RegExp) {
      while (!pattern.test(told.at(-1) ?? '')) await new Promise((resolve) => setTimeout(resolve, 5))
    },
    /** In one step, so that nobody sees half of it. */
    async replace(text: string) {
      await writeFile(`${path}.new`, text)
      await rename(`${path}.new`, path)
    },
  }
}

test('a change takes effect without a restart, whichever way the file is replaced', async (t) => {
  const { path, open, until, replace, told } = await setUp(t, textFor('ana'))
  const file = await open()
  const first = file.current()
  assert.deepEqual(first[0]?.subjects, ['ana'])
  assert.equal(file.current(), first, 'the list is the same until there is another')

  await writeFile(path, textFor('bob'))
  await until(/have changed/)
  assert.deepEqual(file.current()[0]?.subjects, ['bob'])

  told.length = 0
  await replace(textFor('eve'))
  await until(/have changed/)
  assert.deepEqual(file.current()[0]?.subjects, ['eve'])
})

test('a broken version, or no file, changes nothing and is logged once', async (t) => {
  const { path, open, until, replace, told } = await setUp(t, textFor('ana'))
  const file = await open()
  const good = file.current()

  await replace('{"assignments": [{}]}')
  await until(/stay as they were.*assignments\.json#\/assignments\/0: .*lacks \\"role\\"/)
  await rm(path)
  await until(/stay as they were.*ENOENT/)
  await new Promise((resolve) => setTimeout(resolve, 50))
  assert.equal(told.length, 2)
  assert.equal(file.current(), good)

  await replace(textFor('bob'))
  await until(/have changed/)
  assert.deepEqual(file.current()[0]?.subjects, ['bob'])
})

test('a first version that is not good is reported whole, one line for every mistake', async (t) => {
  const { path, open } = await setUp(
    t,
    '{"assignments": [{"role": "Reader", "instances": ["red"], "subjects": ["ana"]}]}',
  )
  await assert.rejects(open, (error: Error) => {
    const lines = error.message.split('\n')
    assert.equal(lines.length, 2)
    assert.ok(lines[0]?.startsWith(`${path}#/assignments/0/role: "Reader" is no role.`))
    assert.ok(lines[1]?.startsWith(`${path}#/assignments/0/instances/0: There is no instance "red".`))
    return true
  })
  await rm(path)
  await assert.rejects(open, { code: 'ENOENT' })
})

test('a closed file is not looked at any more', async (t) => {
  const { path, open, told } = await setUp(t, textFor('ana'))
  const file = await open()
  await file.close()
  await writeFile(path, textFor('bob'))
  await new Promise((resolve) => setTimeout(resolve, 50))
  assert.deepEqual(told, [])
  assert.deepEqual(file.current()[0]?.subjects, ['ana'])
})
