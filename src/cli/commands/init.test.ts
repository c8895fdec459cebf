import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { runAduana } from '../../../tests/support/run-aduana.ts'
import { readImportManifest } from '../../domain/read-import-manifest.ts'

const EXAMPLES = new URL('../../../examples/', import.meta.url).pathname
const folder = mkdtempSync(join(tmpdir(), 'aduana-init-'))
after(() => rmSync(folder, { recursive: true }))
mkdirSync(join(folder, 'other'))
for (const [name, text] of Object.entries({
  'install.sh': '#!/bin/sh\n',
  'image.bin': 'image',
  'empty.bin': '',
  'copy.sh': '#!/bin/sh\n',
  'other/image.bin': 'another image',
  'other/install.sh': '#!/bin/sh\n',
  'a=b.bin': 'equals',
})) {
  writeFileSync(join(folder, name), text)
}
symlinkSync('install.sh', join(folder, 'link.sh'))

const ID = ['--provider', 'Contoso', '--name', 'Toaster', '--version', '1.0']
const DEVICES = ['--compat', 'manufacturer=Contoso', 'model=Toaster']
const SCRIPT = ['--handler', 'microsoft/script:1']
const run = (...args: string[]) => runAduana(['init', ...args], { cwd: folder })

/** The manifest on standard output, of a run that went well. */
async function made(...args: string[]) {
  const { status, stdout, stderr } = await run(...args)
  assert.equal(status, 0, stderr)
  const { manifest, errors } = readImportManifest(Buffer.from(stdout))
  assert.deepEqual(errors, [])
  return { json: JSON.parse(stdout), manifest, stderr }
}

async function mistakes(...args: string[]) {
  const { status, stdout, stderr } = await run(...args)
  assert.equal(status, 1)
  assert.equal(stdout, '')
  return stderr.trimEnd().split('\n')
}

/** Examples in the form in which the Azure CLI writes, and the same inputs as the flags that it takes. */
const LIKE_AZ: [string, string[]][] = [
  [
    'apt/contoso.toaster-base-data.1.1.importmanifest.json',
    [
      ...['--update-provider', 'Contoso', '--update-name', 'Toaster-Base-Data', '--update-version', '1.1'],
      ...['--description', 'Time zones, root certificates and the font of the display.'],
      ...['--compat', 'manufacturer=Contoso', 'model=Toaster'],
      ...['--step', 'handler=microsoft/apt:1', 'description=Install the packages of base data 1.1'],
      ...['properties={"installedCriteria":"contoso-base-data-1.1"}'],
      ...['--file', 'path=base-data-1.1-apt-manifest.json'],
    ],
  ],
  [
    'bundle/contoso.toaster-components.2.0.importmanifest.json',
    [
      ...['--update-provider', 'Contoso', '--update-name', 'Toaster-Components', '--update-version', '2.0'],
      ...['--description', 'Heater and display of the toaster, tested together.'],
      ...['--compat', 'manufacturer=Contoso', 'model=Toaster', '--step', 'updateId.provider=Contoso'],
      ...['updateId.name=Toaster-Heater', 'updateId.version=2.0', 'description=Update the heater'],
      ...['--step', 'updateId.provider=Contoso', 'updateId.name=Toaster-Display', 'updateId.version=2.0'],
      'desc=Update the display',
    ],
  ],
  [
    'bundle/contoso.toaster-display.2.0.importmanifest.json',
    [
      ...['--update-provider', 'Contoso', '--update-name', 'Toaster-Display', '--update-version', '2.0'],
      ...['--is-deployable', 'false', '--compat', 'manufacturer=Contoso', 'model=display'],
      ...['--step', 'handler=microsoft/script:1', 'description=Install the messages of the display'],
      'properties={"scriptFileName":"install-file.sh","arguments":"--source display-messages-2.0.json --target /etc/contoso/display-messages.json","installedCriteria":"2.0"}',
      ...['--file', 'path=install-file.sh'],
      ...['--file', 'path=display-messages-2.0.json', 'downloadHandler=microsoft/delta:1'],
      ...['--related-file', 'path=display-messages-1.0-to-2.0.diff'],
      'properties={"microsoft.sourceFileHashAlgorithm":"sha256","microsoft.sourceFileHash":"cT4nKnFefMxPRnDWM/ZGvsZixdcdDJ+z8FaEReY0iRw="}',
    ],
  ],
]

describe('aduana init', { concurrency: 2 }, () => {
  for (const [path, args] of LIKE_AZ) {
    test(`the flags of the Azure CLI make ${path}, byte for byte but for $schema and the time`, async () => {
      const cwd = join(EXAMPLES, path, '..')
      const { status, stdout, stderr } = await runAduana(['init', ...args], { cwd })
      assert.equal(status, 0, stderr)
      const timeless = (text: string) => text.replace(/"createdDateTime": "[^"]+"/, '"createdDateTime"')
      const official = readFileSync(join(EXAMPLES, path), 'utf8')
      assert.equal(timeless(stdout.replace(/ {2}"\$schema": .*\n/, '')), timeless(official))
    })
  }

  test('the simple case: one step by --handler, --property and --file, for several kinds of devices', async () => {
    const { json, stderr } = await made(
      ...[...ID, ...DEVICES, '--compat', 'model=Grill=2', ...SCRIPT],
      ...['--property', 'scriptFileName=install.sh', 'arguments=--mode fast', '--file', 'install.sh', 'image.bin'],
    )
    assert.deepEqual(json.compatibility, [{ manufacturer: 'Contoso', model: 'Toaster' }, { model: 'Grill=2' }])
    assert.deepEqual(json.instructions.steps, [
      {
        type: 'inline',
        handler: 'microsoft/script:1',
        files: ['install.sh', 'image.bin'],
        handlerProperties: { scriptFileName: 'install.sh', arguments: '--mode fast' },
      },
    ])
    assert.deepEqual(
      json.files.map(({ filename, sizeInBytes }: { filename: string; sizeInBytes: number }) => [filename, sizeInBytes]),
      [
        ['install.sh', 10],
        ['image.bin', 5],
      ],
    )
    assert.match(json.createdDateTime, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    assert.equal(stderr, '')
  })

  test('what a handler needs and the rest tells is written, and said', async () => {
    const { json, stderr } = await made(...ID, ...DEVICES, ...SCRIPT, '--file', 'image.bin', '--file', 'install.sh')
    assert.deepEqual(json.instructions.steps[0].handlerProperties, { scriptFileName: 'install.sh' })
    assert.match(stderr, /note: --handler: microsoft\/script:1 needs scriptFileName; wrote "install\.sh"/)
    const cwd = join(EXAMPLES, 'apt')
    const apt = ['--handler', 'microsoft/apt:1', '--file', 'base-data-1.1-apt-manifest.json']
    const { stdout } = await runAduana(['init', ...ID, ...DEVICES, ...apt], { cwd })
    const [step] = JSON.parse(stdout).instructions.steps
    assert.deepEqual(step.handlerProperties, { installedCriteria: 'contoso-base-data-1.1' })
  })

  test('the payload of an apt step that is no APT manifest is a warning', async () => {
    const { stderr } = await made(...ID, ...DEVICES, '--handler', 'microsoft/apt:1', '--file', 'image.bin')
    assert.match(stderr, /warning: --file image\.bin: The APT manifest is not JSON/)
  })

  test('4.0 and 2.0 are written in their own form', async () => {
    const four = await made(...ID, ...DEVICES, ...SCRIPT, '--file', 'install.sh', '--manifest-version', '4.0')
    assert.equal(four.json.isDeployable, true)
    assert.equal(Object.keys(four.json).at(-1), 'manifestVersion')
    const simulator = ['--handler', 'microsoft/simulator:1']
    const two = await made(...ID, ...DEVICES, ...simulator, '--file', 'image.bin', '--manifest-version', '2.0')
    assert.equal(two.json.updateType, 'microsoft/simulator:1')
    assert.equal(two.json.installedCriteria, '1.0')
    assert.match(two.stderr, /note: --handler: manifest 2\.0 needs installedCriteria; wrote "1\.0"/)
    assert.deepEqual(
      await mistakes(
        ...ID,
        ...DEVICES,
        ...SCRIPT,
        '--file',
        'install.sh',
        '--manifest-version',
        '2.0',
        '--description',
        'x',
      ),
      [
        'aduana: --description: "description" is not known here. It belongs to manifest version 4.0 and 5.0; this manifest says 2.0. (MemberUnknown)',
      ],
    )
  })

  test('a handler of one’s own may have any properties, and values keep to the letter', async () => {
    const step = [
      '--step',
      'handler=contoso/own:1',
      'properties={"2":1.0,"1":12345678901234567890}',
      '--file',
      'a=b.bin',
    ]
    const { manifest, stderr } = await made(...ID, ...DEVICES, ...step)
    const [first] = manifest?.steps ?? []
    assert.ok(first?.type === 'inline')
    assert.equal(first.handlerProperties?.text, '{"2":1.0,"1":12345678901234567890}')
    assert.deepEqual(first.files, ['a=b.bin'])
    assert.equal(stderr, '')
  })

  test('a file of several steps stands once; another file of the same name is refused', async () => {
    const steps = [
      '--step',
      'handler=contoso/a:1',
      '--file',
      'install.sh',
      '--file',
      'image.bin',
      '--step',
      'handler=contoso/b:1',
    ]
    const { json } = await made(
      ...ID,
      ...DEVICES,
      ...steps,
      '--file',
      './other/../install.sh',
      '--file',
      'other/install.sh',
    )
    assert.equal(json.files.length, 2)
    assert.deepEqual(json.instructions.steps[1].files, ['install.sh'])
    assert.deepEqual(await mistakes(...ID, ...DEVICES, ...steps, '--file', 'other/image.bin'), [
      'aduana: --file image.bin and --file other/image.bin have the same name and different bytes. Rename one.',
    ])
  })

  test('files= of a step names what it uses, whichever step the files stand behind', async () => {
    const { json } = await made(
      ...[...ID, ...DEVICES, '--step', 'handler=contoso/a:1', 'files=install.sh, image.bin', '--file', 'install.sh'],
      ...['--step', 'handler=contoso/b:1', '--file', 'image.bin'],
    )
    assert.deepEqual(json.instructions.steps[0].files, ['install.sh', 'image.bin'])
    assert.deepEqual(json.instructions.steps[1].files, ['image.bin'])
  })

  test('without a terminal, everything that is missing is one error', async () => {
    assert.deepEqual(await mistakes(), [
      'aduana: These flags are missing: --provider, --name, --version, --compat, --handler, --file. On a terminal, aduana init asks for them.',
    ])
    assert.deepEqual(await mistakes('--manifest-version', '2.0', '--name', 'a', ...SCRIPT), [
      'aduana: These flags are missing: --provider, --version, --compat, --file. On a terminal, aduana init asks for them.',
    ])
  })

  test('every mistake is told at once, by its flag', async () => {
    assert.deepEqual(
      await mistakes(
        ...['--provider', 'Con toso', '--name', 'a', '--name', 'b', '--compat', 'model', '--is-deployable', 'no'],
        ...['--compat', 'a=b', 'A=c', '--step', 'handler=x', '--file', 'nope', '--file', 'pth=image.bin'],
        ...['--step', 'handlr=microsoft/script:1', '--file', 'empty.bin', '--related-file', 'other'],
        ...['--step', 'updateId.name=a', '--file', 'image.bin', '--step', 'handler=contoso/a:1', 'properties=[1]'],
      ),
      [
        'aduana: These flags are missing: --version. On a terminal, aduana init asks for them.',
        'aduana: --name is given twice.',
        'aduana: --compat takes words of the form KEY=VALUE, but "model" is none.',
        'aduana: --is-deployable must be true or false.',
        'aduana: --file has "pth", which is not known here. Did you mean path=?',
        'aduana: --file needs a path: --file install.sh, or --file path=install.sh.',
        'aduana: --step 2 has "handlr", which is not known here. Did you mean handler=?',
        'aduana: --step 2 needs either handler=… or all of updateId.provider=…, updateId.name=…, updateId.version=….',
        'aduana: --file belongs to --step 3, which installs another update and has none of its own.',
        'aduana: The properties= of --step 4 must be a JSON object, such as {"name":"value"}.',
        'aduana: --file nope: there is no such file.',
        'aduana: --related-file other: is a folder, not a file.',
        'aduana: --provider: provider is "Con toso", but must be made of letters a to z, digits, dots and dashes. (FormatWrong)',
        'aduana: --compat 2 A=: "A" is given twice; letter case makes no difference. Keep one. (MemberRepeated)',
        'aduana: --step 1 handler=: handler has 1 characters, but must have 5 to 32 characters. (LengthWrong)',
        'aduana: --step 3 updateId.provider=: provider is empty, but must have 1 to 64 characters. (LengthWrong)',
        'aduana: --step 3 updateId.version=: version is empty, but must have 1 to 259 characters. (LengthWrong)',
        'aduana: --step 4: files has 0 entries, but must have 1 to 10. (CountWrong)',
        'aduana: --file empty.bin: sizeInBytes is 0, but must be a whole number from 1 to 2147483648. (NumberWrong)',
      ],
    )
  })

  test('flags of a single step and --step do not mix', async () => {
    assert.deepEqual(
      await mistakes(
        ...ID,
        ...DEVICES,
        ...SCRIPT,
        '--file',
        'image.bin',
        '--property',
        'a=b',
        '--step',
        'handler=contoso/a:1',
        '--file',
        'install.sh',
      ),
      [
        'aduana: --handler is for updates with one step and without --step. Write --step handler=… instead.',
        'aduana: --file image.bin stands before every --step. A file belongs to the nearest --step before it.',
        'aduana: --property stands before every --step.',
      ],
    )
  })

  test('an output is written whole, and replaced only by --force', async () => {
    const output = join(folder, 'out.json')
    const args = [...ID, ...DEVICES, ...SCRIPT, '--file', 'install.sh', '--output', output]
    const { status, stdout, stderr } = await run(...args)
    assert.equal(status, 0)
    assert.equal(stdout, '')
    assert.match(stderr, /wrote .*out\.json: Contoso\/Toaster\/1\.0 \(manifest 5\.0\)/)
    writeFileSync(output, 'mine')
    assert.match((await mistakes(...args)).join(), /out\.json is there already\..*--force/)
    assert.equal(readFileSync(output, 'utf8'), 'mine')
    assert.equal((await run(...args, '--force')).status, 0)
    assert.ok(readImportManifest(readFileSync(output)).manifest)
    assert.match(
      (await mistakes(...args.slice(0, -1), 'nowhere/out.json')).join(),
      /nowhere\/out\.json cannot be written/,
    )
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.startsWith('.')),
      [],
    )
  })

  test('help and handlers tell what there is; unknown flags get the nearest one', async () => {
    const { stdout } = await run('--help')
    for (const word of ['--related-file', '--is-deployable', 'aduana init handlers', 'scriptFileName=install.sh']) {
      assert.ok(stdout.includes(word), word)
    }
    assert.match((await run('handlers')).stdout, /microsoft\/swupdate:2: [\s\S]*swuFileName +required/)
    assert.doesNotMatch((await run('handlers', 'microsoft/script:1')).stdout, /swupdate/)
    const unknown = await run('handlers', 'microsoft/script:2')
    assert.equal(unknown.status, 1)
    assert.match(unknown.stderr, /Did you mean microsoft\/script:1\?/)
    assert.match((await run('--verson', '1')).stderr, /Did you mean --version/)
  })

  test('apt writes an APT manifest that check takes, or tells every mistake', async () => {
    const output = join(folder, 'apt.json')
    const args = ['--name', 'base', '--version', '1.1', '--package', 'tzdata', 'g++=1:2.3', 'old-', '--output', output]
    assert.equal((await run('apt', ...args)).status, 0)
    assert.deepEqual(JSON.parse(readFileSync(output, 'utf8')), {
      name: 'base',
      version: '1.1',
      packages: [{ name: 'tzdata' }, { name: 'g++', version: '1:2.3' }, { name: 'old-' }],
    })
    const check = await runAduana(['check', output])
    assert.equal(check.stdout, `${output}: valid, APT manifest base 1.1\n`)
    assert.match((await mistakes('apt', ...args)).join(), /is there already/)
    assert.deepEqual(await mistakes('apt', '--name', '', '--package', 'a b', 'x='), [
      'aduana: These flags are missing: --version.',
      'aduana: --name: name is empty, but must have 1 to 255 characters. (LengthWrong)',
      'aduana: --package a b: name is "a b", but must be without blanks and no dash at its beginning. (FormatWrong)',
      'aduana: --package x=: version is empty, but must have 1 to 255 characters. (LengthWrong)',
    ])
  })
})
