import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { choicesOf } from '../../../tests/support/choices-of.ts'
import { RawJson } from '../json-text.ts'
import { readImportManifest } from '../read-import-manifest.ts'
import type { UpdateChoices } from './choices.ts'
import { writeImportManifest } from './write-import-manifest.ts'

const EXAMPLES = new URL('../../../examples/', import.meta.url)

/** Examples in the form of the official tools: 5.0 as the Azure CLI writes, 4.0 and 2.0 as the PowerShell module. */
const OFFICIAL = [
  'apt/contoso.toaster-base-data.1.0.importmanifest.json',
  'apt/contoso.toaster-base-data.1.1.importmanifest.json',
  'script/contoso.toaster-settings.1.1.importmanifest.json',
  'swupdate/contoso.toaster-os.1.2.0.importmanifest.json',
  'bundle/contoso.toaster-components.2.0.importmanifest.json',
  'bundle/contoso.toaster-display.2.0.importmanifest.json',
  'bundle/contoso.toaster-heater.2.0.importmanifest.json',
]

for (const path of OFFICIAL) {
  test(`${path} comes out as the official tools write it, except for $schema`, async () => {
    const official = await readFile(new URL(path, EXAMPLES), 'utf8')
    const { manifest } = readImportManifest(Buffer.from(official))
    assert.ok(manifest)
    const { createdDateTime } = JSON.parse(official)
    const written = writeImportManifest({ ...choicesOf(manifest), createdDateTime })
    const schema = `  "$schema": "https://json.schemastore.org/azure-deviceupdate-import-manifest-${manifest.manifestVersion}.json",\n`
    const expected = manifest.manifestVersion === '2.0' ? official : official.replace('{\n', `{\n${schema}`)
    assert.equal(written, expected)
  })
}

test('numbers, escapes, the order of names and names that stand twice are written to the letter', () => {
  const choices: UpdateChoices = {
    manifestVersion: '5.0',
    updateId: { provider: 'Contoso', name: 'Toaster', version: '1.0' },
    compatibility: [[{ name: 'model', value: 'Toaster' }]],
    steps: [
      {
        type: 'inline',
        handler: 'contoso/own:1',
        handlerProperties: [
          { name: 'zeal', value: new RawJson('12345678901234567890') },
          { name: '1', value: new RawJson('{"b":1.0,"a":"\\u00e9"}') },
          { name: '__proto__', value: [] },
          { name: 'zeal', value: 'again' },
        ],
        files: [],
      },
    ],
    files: [],
    createdDateTime: '2026-10-07T11:04:33Z',
  }
  assert.ok(
    writeImportManifest(choices).includes(`"handlerProperties": {
          "zeal": 12345678901234567890,
          "1": {
            "b": 1.0,
            "a": "\\u00e9"
          },
          "__proto__": [],
          "zeal": "again"
        }`),
  )
})
