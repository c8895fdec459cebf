// The package as a stranger gets it: packed, installed in an empty folder, and used. It asks the registry for what the package depends on.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { startAduana } from './support/start-aduana.ts'

const ROOT = join(import.meta.dirname, '..')
const run = promisify(execFile)

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'aduana-package-'))
})
after(() => rm(folder, { recursive: true, force: true }))

test('the package, installed in an empty folder, serves its portal and takes in an update', async () => {
  await run('npm', ['pack', '--pack-destination', folder], { cwd: ROOT })
  const [packed = ''] = await readdir(folder)
  const home = join(folder, 'home')
  await mkdir(home)
  await writeFile(join(home, 'package.json'), '{ "private": true }')
  const quietly = ['--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts']
  await run('npm', ['install', ...quietly, join('..', packed)], { cwd: home })

  const program = join(home, 'node_modules/aduana/bin/aduana.js')
  await using server = await startAduana({ program, flags: [], inFolder: true })
  const portal = await fetch(`${server.httpUrl}/`)
  assert.equal(portal.status, 200)
  assert.match(await portal.text(), /<script type="module"/)

  await cp(join(ROOT, 'examples/script'), join(home, 'script'), { recursive: true })
  const at = ['--server', server.httpUrl, '--data', server.folder]
  const { stdout } = await run(process.execPath, [program, 'import', 'script', ...at], { cwd: home })
  assert.match(stdout, /^Contoso\/Toaster-Settings\/1\.1 imported/)
  const listed = await run(process.execPath, [program, 'list', '--json', ...at], { cwd: home })
  assert.match(listed.stdout, /"Toaster-Settings"/)
})
