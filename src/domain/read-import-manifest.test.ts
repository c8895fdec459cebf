import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { bytesOf, changed, type Json, SHA256, validManifest } from '../../tests/support/import-manifests.ts'
import type { ErrorCode } from './error-codes.ts'
import type { ManifestVersion } from './import-manifest.ts'
import { RawJson } from './json-text.ts'
import { LIMITS } from './limits.ts'
import { readImportManifest } from './read-import-manifest.ts'

const ALL: ManifestVersion[] = ['2.0', '3.0', '4.0', '5.0']
const STEPS: ManifestVersion[] = ['4.0', '5.0']
const TYPE: ManifestVersion[] = ['2.0', '3.0']

interface Rule {
  versions: ManifestVersion[]
  name: string
  change: Record<string, Json | undefined>
  code: ErrorCode
  target: string
  says?: RegExp
}

const file = (filename: string, sizeInBytes = 1): Json => ({ filename, sizeInBytes, hashes: { sha256: SHA256 } })
const many = (count: number, make: (i: number) => Json): Json[] => Array.from({ length: count }, (_, i) => make(i))
const step: Json = { handler: 'contoso/x:1', files: ['toaster.swu'] }
const updateId = { provider: 'Contoso', name: 'Sensor', version: '1.0' }
const hex = Buffer.from(SHA256, 'base64').toString('hex')

const missing = (versions: ManifestVersion[], object: string, name: string): Rule => ({
  versions,
  name: `${object}/${name} is missing`,
  change: { [`${object}/${name}`]: undefined },
  code: 'MemberMissing',
  target: object,
  says: new RegExp(`lacks "${name}"`),
})

const unknown = (versions: ManifestVersion[], object: string, name = 'extra'): Rule => ({
  versions,
  name: `${object} has an unknown ${name}`,
  change: { [`${object}/${name}`]: 1 },
  code: 'MemberUnknown',
  target: `${object}/${name}`,
})

const wrong = (versions: ManifestVersion[], at: string, [value, code, says]: [Json, ErrorCode, RegExp?]): Rule => ({
  versions,
  name: `${at} is ${JSON.stringify(value).slice(0, 60)}`,
  change: { [at]: value },
  code,
  target: at,
  ...(says && { says }),
})

const identity = (versions: ManifestVersion[], at: string): Rule[] => [
  wrong(versions, at, ['Contoso/Toaster/1.0', 'TypeWrong']),
  missing(versions, at, 'provider'),
  missing(versions, at, 'name'),
  missing(versions, at, 'version'),
  unknown(versions, at),
  wrong(versions, `${at}/provider`, ['', 'LengthWrong', /is empty/]),
  wrong(versions, `${at}/provider`, ['x'.repeat(65), 'LengthWrong', /65 characters/]),
  wrong(versions, `${at}/provider`, ['a b', 'FormatWrong']),
  wrong(versions, `${at}/name`, ['Küche', 'FormatWrong']),
  wrong(versions, `${at}/name`, [null, 'TypeWrong']),
  wrong(versions, `${at}/version`, [1.5, 'TypeWrong', /"1\.5"/]),
  wrong(versions, `${at}/version`, ['1', 'FormatWrong']),
  wrong(versions, `${at}/version`, ['1.2.3.4.5', 'FormatWrong']),
  wrong(versions, `${at}/version`, ['1.2147483648', 'FormatWrong']),
  wrong(versions, `${at}/version`, ['v1.0', 'FormatWrong']),
]

const handler = (versions: ManifestVersion[], at: string, max: number): Rule[] => [
  wrong(versions, at, ['a/:1', 'LengthWrong']),
  wrong(versions, at, [`contoso/${'x'.repeat(max - 9)}:1`, 'LengthWrong']),
  wrong(versions, at, ['contoso-script', 'FormatWrong', /microsoft\/script:1/]),
  wrong(versions, at, ['contoso/x:123456', 'FormatWrong']),
  wrong(versions, at, ['con toso/x:1', 'FormatWrong']),
]

const baseFile = (versions: ManifestVersion[], at: string): Rule[] => [
  missing(versions, at, 'filename'),
  missing(versions, at, 'sizeInBytes'),
  missing(versions, at, 'hashes'),
  wrong(versions, `${at}/sizeInBytes`, [0, 'NumberWrong']),
  wrong(versions, `${at}/sizeInBytes`, [-1, 'NumberWrong']),
  wrong(versions, `${at}/sizeInBytes`, [1.5, 'NumberWrong', /whole/]),
  wrong(versions, `${at}/sizeInBytes`, [2_147_483_649, 'NumberWrong']),
  wrong(versions, `${at}/sizeInBytes`, ['7', 'TypeWrong', /without quotes/]),
  wrong(versions, `${at}/hashes`, [[], 'TypeWrong']),
  missing(versions, `${at}/hashes`, 'sha256'),
  wrong(versions, `${at}/hashes/sha256`, [hex, 'HashWrong', new RegExp(`hex.*"${SHA256.replaceAll('+', '\\+')}"`)]),
  wrong(versions, `${at}/hashes/sha256`, [hex.toUpperCase(), 'HashWrong', /looks like a hex digest/]),
  wrong(versions, `${at}/hashes/sha256`, [Buffer.from(hex).toString('base64'), 'HashWrong', /base64 of a hex digest/]),
  wrong(versions, `${at}/hashes/sha256`, [SHA256.replaceAll('/', '_'), 'HashWrong', /base64url.*should be/]),
  wrong(versions, `${at}/hashes/sha256`, [SHA256.slice(0, -1), 'HashWrong', /padding.*should be/]),
  wrong(versions, `${at}/hashes/sha256`, [`${SHA256}\n`, 'HashWrong', /white space/]),
  // The last letter before the padding has two spare bits.
  wrong(versions, `${at}/hashes/sha256`, [SHA256.replace('o=', 'p='), 'HashWrong', /not exact/]),
  wrong(versions, `${at}/hashes/sha256`, ['', 'HashWrong', /empty/]),
  wrong(versions, `${at}/hashes/sha256`, ['not a hash', 'HashWrong']),
  wrong(versions, `${at}/hashes/sha256`, ['AAAA', 'HashWrong', /3 bytes/]),
  wrong(versions, `${at}/hashes/sha256`, [7, 'TypeWrong']),
  wrong(versions, `${at}/hashes/md5`, [SHA256, 'HashWrong', /16/]),
  ...['sha1', 'sha224', 'SHA384', 'SHA512'].map((name) =>
    wrong(versions, `${at}/hashes/${name}`, [SHA256, 'HashWrong']),
  ),
  wrong(versions, `${at}/hashes/crc32`, [7, 'TypeWrong']),
]

const fileName = (versions: ManifestVersion[], at: string, change: Record<string, Json | undefined> = {}): Rule[] => {
  const names: [Json, ErrorCode][] = [
    ['', 'LengthWrong'],
    ['ä'.repeat(256), 'LengthWrong'],
    ['a/b', 'FileNameUnsafe'],
    ['a\\b', 'FileNameUnsafe'],
    ['a\0b', 'FileNameUnsafe'],
    ['a\nb', 'FileNameUnsafe'],
    ['.', 'FileNameUnsafe'],
    ['..', 'FileNameUnsafe'],
    ['a\ud800', 'FormatWrong'],
    [7, 'TypeWrong'],
  ]
  return names.map(([name, code]) => {
    const rule = wrong(versions, at, [name, code])
    return { ...rule, change: { ...change, ...rule.change } }
  })
}

const RULES: Rule[] = [
  ...['updateId', 'compatibility', 'createdDateTime'].map((name) => missing(ALL, '', name)),
  ...['updateType', 'installedCriteria'].map((name) => missing(TYPE, '', name)),
  missing(['2.0'], '', 'files'),
  missing(STEPS, '', 'instructions'),
  missing(STEPS, '/instructions', 'steps'),
  unknown(ALL, ''),
  unknown(TYPE, '', 'instructions'),
  unknown(TYPE, '', 'description'),
  unknown(STEPS, '', 'updateType'),
  unknown(STEPS, '', 'bundledUpdates'),
  unknown(['2.0'], '', 'bundledUpdates'),
  unknown(STEPS, '/instructions'),
  { ...unknown(STEPS, '', 'desciption'), says: /Did you mean "description"/ },
  { ...unknown(['5.0'], '', 'updateType'), says: /2\.0 and 3\.0.*this manifest says 5\.0/ },

  ...identity(ALL, '/updateId'),
  ...identity(['3.0'], '/bundledUpdates/0'),
  ...identity(STEPS, '/instructions/steps/1/updateId'),

  wrong(ALL, '/$schema', [4, 'TypeWrong']),
  wrong(ALL, '/isDeployable', ['true', 'TypeWrong', /without quotes/]),
  wrong(STEPS, '/description', ['', 'LengthWrong']),
  wrong(STEPS, '/description', ['x'.repeat(513), 'LengthWrong']),
  wrong(STEPS, '/description', ['half a\u0000line', 'FormatWrong', /control/]),
  wrong(STEPS, '/description', ['half \udc00', 'FormatWrong', /half a character/]),
  wrong(STEPS, '/description', [false, 'TypeWrong', /is false, but must be a text/]),
  wrong(STEPS, '/description', [null, 'TypeWrong', /leave it out/]),

  ...handler(TYPE, '/updateType', 32),
  wrong(TYPE, '/installedCriteria', ['', 'LengthWrong']),
  wrong(TYPE, '/installedCriteria', ['x'.repeat(65), 'LengthWrong']),
  wrong(TYPE, '/installedCriteria', [5, 'TypeWrong', /the number 5, .*"5"/]),

  wrong(ALL, '/compatibility', [{}, 'TypeWrong', /square brackets/]),
  wrong(ALL, '/compatibility', [[], 'CountWrong']),
  wrong(ALL, '/compatibility', [many(11, () => ({ deviceManufacturer: 'a', deviceModel: 'b' })), 'CountWrong']),
  wrong(ALL, '/compatibility/0', ['Toaster', 'TypeWrong']),
  wrong(ALL, '/compatibility/0/deviceModel', ['', 'LengthWrong']),
  wrong(ALL, '/compatibility/0/deviceModel', ['x'.repeat(65), 'LengthWrong']),
  wrong(ALL, '/compatibility/0/deviceModel', [1, 'TypeWrong']),
  wrong(ALL, '/compatibility/0/deviceModel', ['a\0', 'FormatWrong']),
  missing(['2.0'], '/compatibility/0', 'deviceModel'),
  missing(['2.0'], '/compatibility/0', 'deviceManufacturer'),
  unknown(['2.0'], '/compatibility/0'),
  wrong(['3.0', ...STEPS], '/compatibility/0', [{}, 'CountWrong']),
  wrong(['3.0', ...STEPS], '/compatibility/0', [{ a: 'a', b: 'b', c: 'c', d: 'd', e: 'e', f: 'f' }, 'CountWrong']),
  { ...wrong(STEPS, '/compatibility/0', [{ '': 'a' }, 'LengthWrong']), target: '/compatibility/0/' },
  wrong(STEPS, `/compatibility/0/${'x'.repeat(33)}`, ['a', 'LengthWrong']),
  wrong(STEPS, '/compatibility/0/a\u0007', ['a', 'FormatWrong']),

  wrong(ALL, '/files', [{}, 'TypeWrong', /square brackets/]),
  wrong(['2.0'], '/files', [[], 'CountWrong']),
  wrong(['2.0'], '/files', [null, 'TypeWrong']),
  wrong(TYPE, '/files', [many(6, (i) => file(`${i}`)), 'CountWrong']),
  // The step's file is the eleventh: that it is there must not be told as a second mistake.
  wrong(STEPS, '/files', [[...many(10, (i) => file(`${i}`)), file('toaster.swu')], 'CountWrong']),
  wrong(ALL, '/files/0', ['toaster.swu', 'TypeWrong']),
  unknown(['2.0', '3.0', '4.0'], '/files/0'),
  { ...unknown(['4.0'], '/files/0', 'relatedFiles'), says: /belongs to manifest version 5\.0/ },
  ...baseFile(ALL, '/files/0'),
  ...baseFile(['5.0'], '/files/0/relatedFiles/0'),
  ...fileName(TYPE, '/files/0/filename'),
  ...fileName(STEPS, '/files/0/filename', { '/instructions/steps': [{ type: 'reference', updateId }] }),
  ...fileName(['5.0'], '/files/0/relatedFiles/0/filename'),
  wrong(['2.0'], '/files/0/sizeInBytes', [536_870_913, 'NumberWrong']),
  {
    ...wrong(['2.0'], '/files', [[file('a', 536_870_912), file('b')], 'FileTotalTooLarge', /536870913.*536870912/]),
    name: 'the files have 512 MiB and one byte together',
  },
  {
    ...wrong(['3.0', '4.0', '5.0'], '/files', [[file('toaster.swu', 2_147_483_648), file('b')], 'FileTotalTooLarge']),
    name: 'the files have 2 GiB and one byte together',
  },
  {
    versions: ['5.0'],
    name: 'the related files make it more than 2 GiB',
    change: { '/files/0/sizeInBytes': 2_147_483_648 },
    code: 'FileTotalTooLarge',
    target: '/files',
  },
  { ...wrong(ALL, '/files/1', [file('Toaster.SWU'), 'FileNameRepeated', /\/files\/0/]), target: '/files/1/filename' },
  wrong(['5.0'], '/files/0/relatedFiles/0/filename', ['TOASTER.swu', 'FileNameRepeated']),
  wrong(['5.0'], '/files/0/relatedFiles', [many(5, (i) => file(`${i}`)), 'CountWrong']),
  wrong(['5.0'], '/files/0/properties', [[], 'TypeWrong']),
  wrong(['5.0'], '/files/0/downloadHandler', ['microsoft/delta:1', 'TypeWrong']),
  missing(['5.0'], '/files/0/downloadHandler', 'id'),
  ...handler(['5.0'], '/files/0/downloadHandler/id', 64),
  {
    versions: STEPS,
    name: 'an inline step, but files is absent',
    change: { '/files': undefined },
    code: 'FilesMissing',
    target: '',
  },
  wrong(STEPS, '/files', [[], 'FilesMissing']),
  wrong(STEPS, '/files', [null, 'FilesMissing']),
  {
    versions: ['3.0'],
    name: 'neither files nor bundled updates',
    change: { '/files': undefined, '/bundledUpdates': [] },
    code: 'FilesMissing',
    target: '',
  },

  wrong(['3.0'], '/bundledUpdates', [many(11, (i) => ({ ...updateId, version: `1.${i}` })), 'CountWrong']),
  wrong(['3.0'], '/bundledUpdates/0', [{ ...updateId, name: 'TOASTER' }, 'ReferenceToSelf']),
  wrong(STEPS, '/instructions/steps/1/updateId', [
    { ...updateId, name: 'toaster', version: '01.0' },
    'ReferenceToSelf',
  ]),

  wrong(STEPS, '/instructions', [[], 'TypeWrong']),
  wrong(STEPS, '/instructions/steps', [[], 'CountWrong']),
  wrong(STEPS, '/instructions/steps', [many(11, () => step), 'CountWrong']),
  wrong(STEPS, '/instructions/steps/0', ['microsoft/script:1', 'TypeWrong']),
  missing(STEPS, '/instructions/steps/0', 'handler'),
  missing(STEPS, '/instructions/steps/0', 'files'),
  missing(STEPS, '/instructions/steps/1', 'updateId'),
  { ...missing(STEPS, '/instructions/steps/1', 'type'), says: /Add "type": "reference"/ },
  wrong(STEPS, '/instructions/steps/0/type', ['script', 'FormatWrong', /"inline" or "reference"/]),
  wrong(STEPS, '/instructions/steps/0/type', [1, 'TypeWrong']),
  unknown(STEPS, '/instructions/steps/0'),
  unknown(STEPS, '/instructions/steps/1'),
  { ...unknown(STEPS, '/instructions/steps/0', 'updateId'), says: /"type": "reference"/ },
  { ...unknown(STEPS, '/instructions/steps/0', 'installedCriteria'), says: /belongs into/ },
  { ...unknown(STEPS, '/instructions/steps/0', 'updateType'), says: /called "handler"/ },
  { ...unknown(STEPS, '/instructions/steps/1', 'files'), says: /inline/ },
  wrong(STEPS, '/instructions/steps/0/description', ['', 'LengthWrong']),
  wrong(STEPS, '/instructions/steps/1/description', ['x'.repeat(65), 'LengthWrong']),
  ...handler(STEPS, '/instructions/steps/0/handler', 32),
  wrong(STEPS, '/instructions/steps/0/files', [[], 'CountWrong']),
  wrong(STEPS, '/instructions/steps/0/files', [many(11, () => 'toaster.swu'), 'CountWrong']),
  wrong(STEPS, '/instructions/steps/0/files', ['toaster.swu', 'TypeWrong', /square brackets/]),
  wrong(STEPS, '/instructions/steps/0/files/0', [1, 'TypeWrong']),
  wrong(STEPS, '/instructions/steps/0/files/0', ['', 'StepFileUnknown']),
  wrong(STEPS, '/instructions/steps/0/files/0', ['other.swu', 'StepFileUnknown', /"other\.swu"/]),
  wrong(STEPS, '/instructions/steps/0/files/0', [
    'Toaster.swu',
    'StepFileUnknown',
    /lists "toaster\.swu".*letter case/,
  ]),
  {
    versions: STEPS,
    name: 'a file is listed in another letter case than the step names it in',
    change: { '/files/0/filename': 'Toaster.SWU' },
    code: 'StepFileUnknown',
    target: '/instructions/steps/0/files/0',
    says: /lists "Toaster\.SWU"/,
  },
  wrong(['5.0'], '/instructions/steps/0/files/0', ['delta.dat', 'StepFileUnknown', /related/]),
  wrong(STEPS, '/instructions/steps/0/handlerProperties', ['--pre', 'TypeWrong']),
  wrong(STEPS, '/instructions/steps/0/handlerProperties', [null, 'TypeWrong']),

  wrong(ALL, '/createdDateTime', ['yesterday', 'FormatWrong', /2020-10-02T22:18:04/]),
  wrong(ALL, '/createdDateTime', ['2021-02-30T00:00:00Z', 'FormatWrong']),
  wrong(ALL, '/createdDateTime', [1601676000, 'TypeWrong']),
]

suite('one broken rule is one mistake, at its place', () => {
  for (const { versions, name, change, code, target, says = /./ } of RULES) {
    for (const version of versions) {
      test(`${version}: ${name}`, () => {
        const reading = readImportManifest(bytesOf(changed(validManifest(version), change)))
        assert.deepEqual(
          reading.errors.map((error) => [error.code, error.target]),
          [[code, target]],
        )
        assert.match(reading.errors[0]!.message, says)
        assert.equal(reading.manifest, undefined)
      })
    }
  }
})

suite('what the manifest is is told before its rules', () => {
  const cases: [string, string, ErrorCode, string, RegExp][] = [
    ['a version to come', '{"manifestVersion":"6.0","x":1}', 'UnsupportedVersion', '/manifestVersion', /5\.0, 4\.0/],
    ['version 1.0', '{"ManifestVersion":"1.0"}', 'UnsupportedVersion', '/ManifestVersion', /Known are/],
    ['a manifest for devices', '{"manifestVersion":"5"}', 'UnsupportedVersion', '/manifestVersion', /devices.*"5\.0"/],
    ['a number that is no version', '{"manifestVersion":5.5}', 'TypeWrong', '/manifestVersion', /"5\.0"/],
    [
      'an older manifest for devices',
      '{"manifestVersion":"4"}',
      'UnsupportedVersion',
      '/manifestVersion',
      /devices.*"4\.0"/,
    ],
    ['a number as version', '{"manifestVersion":4.0}', 'TypeWrong', '/manifestVersion', /"4\.0"/],
    ['no version', '{"updateId":{}}', 'MemberMissing', '', /"manifestVersion"/],
    ['the body of an import request', '[{"importManifest":{}}]', 'TypeWrong', '', /import request/],
    ['the older body of an import request', '{"ImportManifest":{},"Files":[]}', 'TypeWrong', '', /import request/],
    ['a text', '"5.0"', 'TypeWrong', '', /object/],
  ]
  for (const [name, text, code, target, says] of cases) {
    test(name, () => {
      const { errors } = readImportManifest(Buffer.from(text))
      assert.deepEqual(
        errors.map((error) => [error.code, error.target]),
        [[code, target]],
      )
      assert.match(errors[0]!.message, says)
    })
  }

  test('bytes that are no JSON are one mistake', () => {
    const codes = ['', '<html>', '{', '['.repeat(100)].map((text) => readImportManifest(Buffer.from(text)).errors)
    assert.deepEqual(
      codes.map((errors) => errors.map(({ code }) => code)),
      [['DocumentNotJson'], ['DocumentNotJson'], ['DocumentNotJson'], ['DocumentTooDeep']],
    )
  })

  test('more than 1 MiB is refused, 1 MiB is read', () => {
    const text = JSON.stringify(validManifest('5.0'))
    const padded = (length: number) => readImportManifest(Buffer.from(text.padEnd(length)))
    assert.deepEqual(padded(LIMITS.manifestBytesMax).errors, [])
    assert.equal(padded(LIMITS.manifestBytesMax + 1).errors[0]?.code, 'DocumentTooLarge')
  })
})

suite('what is valid is read whole', () => {
  test('version 5.0 with everything', () => {
    const { manifest, errors, warnings } = readImportManifest(bytesOf(validManifest('5.0')))
    assert.deepEqual([errors, warnings], [[], []])
    assert.deepEqual(manifest, {
      manifestVersion: '5.0',
      updateId: { provider: 'Contoso', name: 'Toaster', version: '1.0' },
      description: 'A toaster',
      isDeployable: true,
      compatibility: new RawJson('[{"deviceManufacturer":"Contoso","deviceModel":"Toaster"}]'),
      steps: [
        {
          type: 'inline',
          description: 'The image',
          handler: 'microsoft/swupdate:1',
          files: ['toaster.swu'],
          handlerProperties: new RawJson('{"installedCriteria":"1.0"}'),
        },
        { type: 'reference', description: 'The sensor', updateId },
      ],
      references: [{ updateId, pointer: '/instructions/steps/1/updateId' }],
      files: [
        {
          fileName: 'toaster.swu',
          sizeInBytes: 7,
          hashes: { sha256: SHA256 },
          properties: new RawJson('{"colour":"red"}'),
          mimeType: 'application/octet-stream',
          pointer: '/files/0',
          relatedFiles: [
            {
              fileName: 'delta.dat',
              sizeInBytes: 3,
              hashes: { sha256: SHA256 },
              properties: new RawJson('{"from":"0.9"}'),
              pointer: '/files/0/relatedFiles/0',
            },
          ],
          downloadHandlerId: 'microsoft/delta:1',
        },
      ],
      createdDateTime: '2020-10-02T22:18:04.9446744Z',
    })
  })

  test('an update is deployable unless its manifest says otherwise', () => {
    const isDeployable = (value: Json | undefined) => {
      return readImportManifest(bytesOf(changed(validManifest('4.0'), { '/isDeployable': value }))).manifest
        ?.isDeployable
    }
    assert.deepEqual([isDeployable(undefined), isDeployable(true), isDeployable(false)], [true, true, false])
  })

  test('version 3.0 has a type, criteria and bundled updates', () => {
    const { manifest, warnings } = readImportManifest(bytesOf(validManifest('3.0')))
    assert.equal(manifest?.updateType, 'microsoft/bundle:1')
    assert.equal(manifest?.installedCriteria, '1.0')
    assert.deepEqual(manifest?.references, [{ updateId, pointer: '/bundledUpdates/0' }])
    assert.equal(manifest?.steps, undefined)
    assert.deepEqual(warnings, [])
  })

  const valid = (name: string, version: ManifestVersion, change: Record<string, Json | undefined>) => {
    test(`${version}: ${name}`, () => {
      assert.deepEqual(readImportManifest(bytesOf(changed(validManifest(version), change))).errors, [])
    })
  }
  const onlyReferences = { '/instructions/steps': [{ type: 'reference', updateId }] }
  valid('everything that it knows', '2.0', {})
  valid('everything that it knows', '4.0', {})
  valid('a parent without files', '4.0', { ...onlyReferences, '/files': undefined })
  valid('a parent with null as files', '4.0', { ...onlyReferences, '/files': null })
  valid('a parent with an empty list of files', '5.0', { ...onlyReferences, '/files': [] })
  valid('a bundle without files', '3.0', { '/files': undefined })
  valid('files and null as bundled updates', '3.0', { '/bundledUpdates': null })
  valid('isDeployable, which its text does not know', '2.0', { '/isDeployable': false })
  valid('mimeType, which its text does not know', '2.0', { '/files/0/mimeType': 'text/plain' })
  valid('manufacturer and model without prefix', '2.0', { '/compatibility/0': { Model: 'a', manufacturer: 'b' } })
  valid('a free compatibility property', '3.0', { '/compatibility/0': { colour: 'red' } })
  valid('step types in other letter case', '4.0', {
    '/instructions/steps/0/type': 'Inline',
    '/instructions/steps/1/type': 'REFERENCE',
  })
  valid('the largest size and sum', '2.0', { '/files/0/sizeInBytes': 536_870_912 })
  valid('the largest size and sum', '4.0', { '/files/0/sizeInBytes': 2_147_483_648 })
  valid('five files', '3.0', { '/files': many(5, (i) => file(`${i}`)) })
  valid('ten files with four related ones each', '5.0', {
    '/files': [
      file('toaster.swu'),
      ...many(9, (i) => ({ ...(file(`${i}`) as object), relatedFiles: many(4, (k) => file(`${i}-${k}`)) })),
    ],
  })
  valid('other members of files', '5.0', { '/files/0/x': 1, '/files/0/relatedFiles/0/y': null })
  valid('the most and longest compatibility properties', '5.0', {
    '/compatibility': many(10, () => ({ ['x'.repeat(32)]: 'y'.repeat(64), b: 'b', c: 'c', d: 'd', e: 'e' })),
  })
  valid('the shortest handler', '4.0', { '/instructions/steps/0/handler': 'a/b:1' })
  valid('the longest handler', '4.0', { '/instructions/steps/0/handler': `a/${'x'.repeat(28)}:1` })
  valid('the longest texts', '5.0', {
    '/description': 'ü'.repeat(512),
    '/instructions/steps/0/description': '🍞'.repeat(64),
    '/updateId/provider': 'x'.repeat(64),
    '/updateId/version': `${'0'.repeat(63)}1.0`,
  })
  valid('the most bundled updates', '3.0', { '/bundledUpdates': many(10, (i) => ({ ...updateId, version: `1.${i}` })) })
  valid('ten steps with ten files each', '4.0', {
    '/instructions/steps': many(10, () => ({ handler: 'a/b:1', files: many(10, (i) => `${i}`) })),
    '/files': many(10, (i) => file(`${i}`)),
  })
  valid('digests of many algorithms', '4.0', {
    '/files/0/hashes': {
      SHA256,
      md5: Buffer.alloc(16).toString('base64'),
      sha1: Buffer.alloc(20).toString('base64'),
      sha224: Buffer.alloc(28).toString('base64'),
      sha384: Buffer.alloc(48).toString('base64'),
      sha512: Buffer.alloc(64).toString('base64'),
      blake3: 'anything',
    },
  })
  valid('a download handler of 64 characters', '5.0', { '/files/0/downloadHandler/id': `a/${'x'.repeat(60)}:1` })
  valid('a file name of 255 characters outside of ASCII', '3.0', { '/files/0/filename': '🍞'.repeat(255) })
})

suite('form makes no difference', () => {
  test('the PascalCase of the Python SDK sample', () => {
    const { manifest, errors } = readImportManifest(
      bytesOf({
        UpdateId: { Provider: 'Contoso', Name: 'Toaster', Version: '01.00' },
        Compatibility: [{ DeviceManufacturer: 'contoso', DeviceModel: 'toaster' }],
        UpdateType: 'microsoft/apt:1',
        InstalledCriteria: 'apt-update-test-1.0',
        Files: [{ FileName: 'apt.json', SizeInBytes: 7, Hashes: { SHA256 }, MimeType: 'application/octet-stream' }],
        CreatedDateTime: '2021-06-17T10:11:12.123400Z',
        ManifestVersion: '3.0',
      }),
    )
    assert.deepEqual(errors, [])
    assert.deepEqual(manifest?.updateId, { provider: 'Contoso', name: 'Toaster', version: '1.0' })
    assert.equal(manifest?.compatibility.text, '[{"DeviceManufacturer":"contoso","DeviceModel":"toaster"}]')
    assert.deepEqual(manifest?.files[0]?.hashes, { sha256: SHA256 })
    assert.equal(manifest?.files[0]?.mimeType, 'application/octet-stream')
    assert.equal(manifest?.files[0]?.pointer, '/Files/0')
    assert.equal(manifest?.createdDateTime, '2021-06-17T10:11:12.1234Z')
  })

  test('a byte order mark and Windows line ends, as PowerShell writes them', () => {
    const text = `\ufeff${JSON.stringify(validManifest('4.0'), null, 4).replaceAll('\n', '\r\n')}\r\n`
    assert.deepEqual(readImportManifest(Buffer.from(text)), readImportManifest(bytesOf(validManifest('4.0'))))
  })

  test('a whole size may be written as any JSON number', () => {
    const text = JSON.stringify(validManifest('4.0')).replace('"sizeInBytes":7', '"sizeInBytes":0.7e1')
    assert.equal(readImportManifest(Buffer.from(text)).manifest?.files[0]?.sizeInBytes, 7)
  })

  test('pointers use the spelling of the document', () => {
    const text = JSON.stringify(validManifest('5.0'))
      .replace('"relatedFiles"', '"RELATEDfiles"')
      .replace('"delta.dat"', '1')
    assert.equal(readImportManifest(Buffer.from(text)).errors[0]?.target, '/files/0/RELATEDfiles/0/filename')
  })
})

suite('free objects stay to the letter', () => {
  test('numbers, order of members, escapes and letter case', () => {
    const free = '{ "z" : 1e400,\n "10": 12345678901234567890, "2":-0.0, "A b" : "\\u0041 \\/ \\ud800 é", "n": [ ] }'
    const text = JSON.stringify(
      changed(validManifest('5.0'), {
        '/instructions/steps/0/handlerProperties': 'FREE',
        '/files/0/properties': 'FREE',
        '/files/0/relatedFiles/0/properties': 'FREE',
      }),
    ).replaceAll('"FREE"', free)
    const { manifest, errors } = readImportManifest(Buffer.from(text))
    assert.deepEqual(errors, [])
    const expected = '{"z":1e400,"10":12345678901234567890,"2":-0.0,"A b":"\\u0041 \\/ \\ud800 é","n":[]}'
    const inline = manifest?.steps?.find((step) => step.type === 'inline')
    assert.equal(inline?.handlerProperties?.text, expected)
    assert.equal(manifest?.files[0]?.properties?.text, expected)
    assert.equal(manifest?.files[0]?.relatedFiles[0]?.properties?.text, expected)
  })

  test('compatibility keeps its order and white space inside texts', () => {
    const text = JSON.stringify(validManifest('4.0')).replace(
      /"compatibility":\[.*?\]/,
      '"compatibility": [ { "2": "b  c", "1": "\\u0041" } ]',
    )
    assert.equal(readImportManifest(Buffer.from(text)).manifest?.compatibility.text, '[{"2":"b  c","1":"\\u0041"}]')
  })
})

suite('all mistakes are told together', () => {
  test('in the order of the document, whatever the rules are checked in', () => {
    const broken = `{
      "createdDateTime": "now",
      "files": [{ "hashes": { "sha256": "x" }, "sizeInBytes": 0, "filename": "a/b" }],
      "compatibility": [],
      "manifestVersion": "5.0",
      "updateId": { "version": "1", "name": "", "provider": "?" },
      "instructions": { "steps": [] }
    }`
    assert.deepEqual(
      readImportManifest(Buffer.from(broken)).errors.map(({ target }) => target),
      [
        '/createdDateTime',
        '/files/0/hashes/sha256',
        '/files/0/sizeInBytes',
        '/files/0/filename',
        '/compatibility',
        '/updateId/version',
        '/updateId/name',
        '/updateId/provider',
        '/instructions/steps',
      ],
    )
  })

  test('a repeated member is named with both places, in known and in free objects', () => {
    const text = JSON.stringify(validManifest('5.0'))
      .replace('"name":"Toaster"', '"name":"Toaster",\n"Name":"Toaster"')
      .replace('"colour":"red"', '"colour":"red","colour":"blue"')
    const { errors } = readImportManifest(Buffer.from(text))
    assert.deepEqual(
      errors.map(({ code, target }) => [code, target]),
      [
        ['MemberRepeated', '/updateId/Name'],
        ['MemberRepeated', '/files/0/properties/colour'],
      ],
    )
    assert.match(errors[0]!.message, /"name" at line 1, column \d+ .* "Name" at line 2, column 1;/)
  })

  test('a hundred of them, and how many more there are', () => {
    const withMistakes = (count: number) => {
      const members = Array.from({ length: count }, (_, i) => [`x${i}`, i])
      return readImportManifest(bytesOf({ ...(validManifest('5.0') as object), ...Object.fromEntries(members) })).errors
    }
    assert.equal(withMistakes(100).length, 100)
    assert.equal(withMistakes(101).length, 101)
    assert.equal(withMistakes(150).length, 101)
    assert.equal(withMistakes(150)[0]?.target, '/x0')
    assert.match(withMistakes(150).at(-1)!.message, /^50 more/)
  })
})

test('two files without name are not two of the same name', () => {
  const { errors } = readImportManifest(bytesOf(changed(validManifest('2.0'), { '/files': [file(''), file('')] })))
  assert.deepEqual(
    errors.map(({ code }) => code),
    ['LengthWrong', 'LengthWrong'],
  )
})

suite('advice stops nothing', () => {
  const advised = (
    name: string,
    [version, change]: [ManifestVersion, Record<string, Json | undefined>],
    [target, says]: [string, RegExp],
  ) => {
    test(name, () => {
      const reading = readImportManifest(bytesOf(changed(validManifest(version), change)))
      assert.deepEqual(reading.errors, [])
      assert.ok(reading.manifest)
      assert.deepEqual(
        reading.warnings.map(({ code, target }) => [code, target]),
        [['Advice', target]],
      )
      assert.match(reading.warnings[0]!.message, says)
    })
  }
  const first = '/instructions/steps/0'
  const stepWith = (handler: string, handlerProperties?: Json, files: Json = ['toaster.swu']) => ({
    [first]: { handler, files, ...(handlerProperties !== undefined && { handlerProperties }) },
  })
  advised(
    'script:1 without scriptFileName',
    ['5.0', stepWith('microsoft/script:1', { arguments: '-x' })],
    [`${first}/handlerProperties`, /"scriptFileName"/],
  )
  advised(
    'a slip in the name of a known handler',
    ['5.0', stepWith('microsoft/scirpt:1')],
    [first, /Did you mean "microsoft\/script:1"/],
  )
  advised(
    'an apiVersion that there is not',
    ['5.0', stepWith('microsoft/script:1', { scriptFileName: 'toaster.swu', apiVersion: 1.1 })],
    [`${first}/handlerProperties/apiVersion`, /must be "1\.0" or "1\.1"/],
  )
  advised('script:1 without handlerProperties', ['5.0', stepWith('microsoft/script:1')], [first, /"scriptFileName"/])
  advised(
    'script:1 with a scriptFileName that is not among its files',
    ['4.0', stepWith('microsoft/script:1', { scriptFileName: 'x.sh' })],
    [`${first}/handlerProperties/scriptFileName`, /one of the step's "files"/],
  )
  for (const handler of ['microsoft/swupdate:1', 'microsoft/apt:1']) {
    advised(`${handler} without installedCriteria`, ['5.0', stepWith(handler)], [first, /"installedCriteria"/])
  }
  advised(
    'swupdate:2 without installedCriteria',
    ['5.0', stepWith('microsoft/swupdate:2', { swuFileName: 'toaster.swu', scriptFileName: 'toaster.swu' })],
    [`${first}/handlerProperties`, /"installedCriteria"/],
  )
  advised(
    'swupdate:2 without swuFileName',
    ['5.0', stepWith('microsoft/swupdate:2', { installedCriteria: '1', scriptFileName: 'toaster.swu' })],
    [`${first}/handlerProperties`, /"swuFileName"/],
  )
  for (const [missing, given] of [
    ['scriptFileName', 'swuFileName'],
    ['swuFileName', 'scriptFileName'],
  ] as const) {
    advised(
      `swupdate:2 with a ${missing} that is not among its files`,
      ['4.0', stepWith('microsoft/swupdate:2', { installedCriteria: '1', [missing]: 'x', [given]: 'toaster.swu' })],
      [`${first}/handlerProperties/${missing}`, /one of the step's "files"/],
    )
  }
  advised(
    'swupdate:1 with a file that is no .swu',
    [
      '5.0',
      {
        ...stepWith('microsoft/swupdate:1', { installedCriteria: '1' }, ['toaster.zip']),
        '/files/0/filename': 'toaster.zip',
      },
    ],
    [first, /ends in \.swu/],
  )
  test('there is none where letter case alone differs from what is usual, or a list is empty', () => {
    const manifest = changed(validManifest('5.0'), {
      ...stepWith('microsoft/swupdate:1', { installedCriteria: '1' }, ['toaster.SWU']),
      '/files/0/filename': 'toaster.SWU',
      '/files/0/relatedFiles': [],
      '/files/0/downloadHandler': undefined,
    })
    const { errors, warnings } = readImportManifest(bytesOf(manifest))
    assert.deepEqual([errors, warnings], [[], []])
  })
  advised(
    'InstalledCriteria, which the agent does not find',
    ['5.0', stepWith('contoso/own:1', { InstalledCriteria: '1' })],
    [`${first}/handlerProperties/InstalledCriteria`, /write "installedCriteria"/],
  )
  advised(
    'swupdate:1 with two files',
    [
      '4.0',
      { ...stepWith('microsoft/swupdate:1', { installedCriteria: '1' }, ['toaster.swu', 'b']), '/files/1': file('b') },
    ],
    [first, /exactly one file, which ends in \.swu/],
  )
  advised(
    'apt:1 with two files',
    [
      '4.0',
      { ...stepWith('microsoft/apt:1', { installedCriteria: '1' }, ['toaster.swu', 'b']), '/files/1': file('b') },
    ],
    [first, /exactly one file, the APT manifest/],
  )
  advised('a file that no step uses', ['4.0', { '/files/1': file('b') }], ['/files/1', /No step uses "b"/])
  advised(
    'related files without download handler',
    ['5.0', { '/files/0/downloadHandler': undefined }],
    ['/files/0/relatedFiles', /downloadHandler/],
  )
  advised(
    'an algorithm that cannot be checked',
    ['4.0', { '/files/0/hashes/BLAKE3': 'x' }],
    ['/files/0/hashes/BLAKE3', /sha512/],
  )
  advised('a file name that Windows refuses', ['2.0', { '/files/0/filename': 'a:b' }], ['/files/0/filename', /Windows/])
  advised(
    'a slip in a member of a 5.0 file',
    ['5.0', { '/files/0/relatedFile': [] }],
    ['/files/0/relatedFile', /"relatedFiles"/],
  )
})

test('a manifest of 1 MiB that does its worst is judged in a moment', () => {
  let piecesMax = 0
  const fill = (start: string, piece: (i: number) => string, end: string) => {
    let text = start
    for (let i = 0; i < piecesMax && text.length + end.length + 20 < LIMITS.manifestBytesMax; i += 1) text += piece(i)
    return text + end
  }
  const start = '{"manifestVersion":"5.0"'
  const hostile = () => ({
    deep: '['.repeat(LIMITS.manifestBytesMax),
    deepObjects: fill('', () => '{"a":', ''),
    repeated: fill(start, () => ',"a":0', '}'),
    repeatedOnManyLines: fill(start, () => '\n,"a":0', '}'),
    unknown: fill(start, (i) => `,"updateI${i}":0`, '}'),
    unknownInFile: fill(`${start},"files":[{"filename":"a"`, (i) => `,"filenam${i}":0`, '}]}'),
    algorithms: fill(`${start},"files":[{"hashes":{"sha256":"x"`, (i) => `,"h${i}":"x"`, '}}]}'),
    files: fill(`${start},"files":[0`, () => ',[]', ']}'),
    handler: fill(`${start},"instructions":{"steps":[{"handler":"`, () => '/:', '"}]}}'),
    padding: fill(`${start},"files":[{"hashes":{"sha256":"${SHA256}`, () => '=', 'x"}}]}'),
    // A name that would stand in the pointer of every mistake inside.
    longName: fill(`${start},"${'n'.repeat(LIMITS.manifestBytesMax / 2)}":{"x":0`, () => ',"x":0', '}}'),
  })
  // As many pieces as there is room for, and a few less than are too many.
  const texts = [Number.POSITIVE_INFINITY, LIMITS.jsonValuesMax - 20].flatMap((max) => {
    piecesMax = max
    return Object.entries(hostile())
  })
  for (const [name, text] of texts) {
    const begin = process.cpuUsage()
    const { errors } = readImportManifest(Buffer.from(text))
    // Time of this process, since a busy machine makes any other meaningless.
    const ms = process.cpuUsage(begin).user / 1000
    assert.ok(errors.length > 0, name)
    assert.ok(ms < 1500, `${name} took ${ms} ms`)
    assert.ok(JSON.stringify(errors.map(({ message, target }) => [message, target])).length < 200_000, name)
  }
})
