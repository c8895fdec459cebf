// `aduana init` at a terminal: it asks for what the flags leave open.
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { readImportManifest } from '../../src/domain/read-import-manifest.ts'
import { KEYS, NO_TERMINAL, openTerminal } from '../support/terminal.ts'

const { enter, down, ctrlC } = KEYS
const folder = mkdtempSync(join(tmpdir(), 'aduana-init-'))
after(() => rmSync(folder, { recursive: true }))
writeFileSync(join(folder, 'install.sh'), '#!/bin/sh\n')
writeFileSync(join(folder, 'image.bin'), 'image')

test('questions lead to a valid manifest, with wrong answers told at once', { skip: NO_TERMINAL }, async () => {
  const terminal = openTerminal(['init'], { cwd: folder })
  await terminal.answer('Provider', `Con toso${enter}`)
  await terminal.answer('must be made of letters', `${'\b'.repeat(5)}toso${enter}`)
  await terminal.answer('Name of the update', `Toaster${enter}`)
  await terminal.answer('Version', enter)
  await terminal.answer('Properties of the devices', enter)
  await terminal.answer('another kind of device', `y${enter}`)
  await terminal.answer('Properties of the devices', `manufacturer=Contoso Ltd model=Grill${enter}`)
  await terminal.answer('another kind of device', enter)
  await terminal.answer('What installs it', `${down}${enter}`)
  await terminal.answer('File (it takes', `nothing.sh${enter}`)
  await terminal.answer('there is no such file', `${'\b'.repeat(10)}install.sh${enter}`)
  await terminal.answer('Another file', `image.bin${enter}`)
  await terminal.answer('Another file', enter)
  await terminal.answer('scriptFileName', enter)
  await terminal.answer('installedCriteria', enter)
  await terminal.answer('arguments', enter)
  await terminal.answer('Write the manifest to', enter)
  const { status, screen } = await terminal.end()
  assert.equal(status, 0, screen)
  assert.match(screen, /wrote contoso\.toaster\.1\.0\.importmanifest\.json: Contoso\/Toaster\/1\.0/)
  const { manifest } = readImportManifest(readFileSync(join(folder, 'contoso.toaster.1.0.importmanifest.json')))
  assert.equal(
    manifest?.compatibility.text,
    '[{"manufacturer":"Contoso","model":"Toaster"},{"manufacturer":"Contoso Ltd","model":"Grill"}]',
  )
  const [step] = manifest?.steps ?? []
  assert.ok(step?.type === 'inline')
  assert.deepEqual(step.files, ['install.sh', 'image.bin'])
  assert.equal(step.handlerProperties?.text, '{"scriptFileName":"install.sh","installedCriteria":"1.0"}')
})

test('only what is missing is asked for, and a redirected output gets the manifest alone', {
  skip: NO_TERMINAL,
}, async () => {
  const args = [
    'init',
    '--provider',
    'Contoso',
    '--version',
    '1.0',
    '--compat',
    'model=x',
    '--handler',
    'contoso/own:1',
  ]
  const terminal = openTerminal([...args, '--file', 'image.bin'], { cwd: folder, redirect: 'out.json' })
  await terminal.answer('Name of the update', `Toaster${enter}`)
  const { status, screen } = await terminal.end()
  assert.equal(status, 0, screen)
  assert.equal(readImportManifest(readFileSync(join(folder, 'out.json'))).manifest?.updateId.name, 'Toaster')
})

test('Ctrl-C at a question leaves nothing', { skip: NO_TERMINAL }, async () => {
  const before = readdirSync(folder)
  const terminal = openTerminal(['init', '--output', 'never.json'], { cwd: folder })
  await terminal.answer('Provider', `Contoso${enter}`)
  await terminal.answer('Name of the update', ctrlC)
  const { status, screen } = await terminal.end()
  assert.equal(status, 130)
  assert.match(screen, /stopped; nothing was written/)
  assert.equal(existsSync(join(folder, 'never.json')), false)
  assert.deepEqual(readdirSync(folder), before)
})
