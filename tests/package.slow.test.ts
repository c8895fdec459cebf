// The package as a stranger gets it: packed, installed in an empty folder, and used. It asks the registry for what the package depends on.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
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
  // Of a copy, since packing builds the portal anew, which other tests use meanwhile.
  const source = join(folder, 'source')
  const { stdout: files } = await run('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: ROOT,
  })
  for (const file of files.split('\0').filter((path) => path !== '' && existsSync(join(ROOT, path)))) {
    await cp(join(ROOT, file), join(source, file))
  }
  await symlink(join(ROOT, 'node_modules'), join(source, 'node_modules'))
  const { stdout: said } = await run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: source })
  const [{ filename: packed }] = JSON.parse(said.slice(said.indexOf('['))) as [{ filename: string }]
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
