import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SHA256 } from '../../../tests/support/import-manifests.ts'
import type { InlineStepChoice, UpdateChoices } from './choices.ts'
import { judgeChoices } from './judge-choices.ts'

const step: InlineStepChoice = {
  type: 'inline',
  handler: 'microsoft/script:1',
  handlerProperties: [{ name: 'scriptFileName', value: 'install.sh' }],
  files: ['install.sh', 'image.bin'],
}
const choices: UpdateChoices = {
  manifestVersion: '5.0',
  updateId: { provider: 'Contoso', name: 'Toaster', version: '1.0' },
  compatibility: [[{ name: 'model', value: 'Toaster' }]],
  steps: [step],
  files: [
    { fileName: 'install.sh', sizeInBytes: 7, sha256: SHA256 },
    {
      fileName: 'image.bin',
      sizeInBytes: 7,
      sha256: SHA256,
      downloadHandlerId: 'microsoft/delta:1',
      relatedFiles: [{ fileName: 'image.diff', sizeInBytes: 3, sha256: SHA256 }],
    },
  ],
  createdDateTime: '2026-10-07T11:04:33Z',
}

const old: UpdateChoices = {
  ...choices,
  manifestVersion: '2.0',
  compatibility: [
    [
      { name: 'manufacturer', value: 'Contoso' },
      { name: 'model', value: 'Toaster' },
    ],
  ],
  steps: [{ ...step, handlerProperties: [{ name: 'installedCriteria', value: '1.0' }] }],
  files: choices.files.map(({ fileName, sizeInBytes, sha256 }) => ({ fileName, sizeInBytes, sha256 })),
}

function judged(changes: Partial<UpdateChoices>, base = choices) {
  const { errors, warnings } = judgeChoices({ ...base, ...changes })
  const lines = (findings: typeof errors) => findings.map(({ code, place }) => `${code} ${place.join(' ')}`)
  return { errors: lines(errors), warnings: lines(warnings) }
}

test('what keeps to the rules is a manifest without findings, in 5.0 and 2.0', () => {
  assert.deepEqual(judged({}), { errors: [], warnings: [] })
  assert.equal(judgeChoices(choices).manifest?.files[1]?.relatedFiles.length, 1)
  assert.deepEqual(judged({}, old), { errors: [], warnings: [] })
})

test('every finding names the choice that it is about', () => {
  const [script, image] = choices.files
  const { errors, warnings } = judged({
    updateId: { provider: 'Con toso', name: '', version: '1' },
    description: '',
    compatibility: [[{ name: 'model', value: '' }], []],
    steps: [
      { ...step, handler: 'script', files: ['install.sh', 'imgae.bin'] },
      { ...step, handlerProperties: [{ name: 'scriptfilename', value: 'install.sh' }] },
      { type: 'reference', updateId: { provider: 'a', name: 'b', version: 'c' } },
    ],
    files: [
      { ...script!, sizeInBytes: 0, sha256: 'x' },
      { ...image!, downloadHandlerId: 'delta', relatedFiles: [{ fileName: 'a/b', sizeInBytes: 0.5, sha256: SHA256 }] },
    ],
    createdDateTime: 'today',
  })
  assert.deepEqual(errors, [
    'FormatWrong createdDateTime',
    'LengthWrong updateId name',
    'FormatWrong updateId provider',
    'FormatWrong updateId version',
    'LengthWrong description',
    'LengthWrong compatibility 0 model',
    'CountWrong compatibility 1',
    'FormatWrong steps 0 handler',
    'StepFileUnknown steps 0 files 1',
    'FormatWrong steps 2 updateId version',
    'HashWrong files 0 sha256',
    'NumberWrong files 0 sizeInBytes',
    'FormatWrong files 1 downloadHandlerId',
    'FileNameUnsafe files 1 relatedFiles 0 fileName',
    'NumberWrong files 1 relatedFiles 0 sizeInBytes',
  ])
  assert.deepEqual(warnings, ['Advice steps 1 handlerProperties scriptfilename'])
})

test('a choice that the version has no member for is an error at that choice, and so is nothing else', () => {
  assert.deepEqual(judged({ manifestVersion: '4.0' }).errors, [
    'MemberUnknown files 1 downloadHandlerId',
    'MemberUnknown files 1 relatedFiles',
  ])
  const cases: [Partial<UpdateChoices>, string[]][] = [
    [{ steps: [] }, ['CountWrong steps']],
    [{ steps: [...old.steps, ...old.steps] }, ['CountWrong steps']],
    [{ steps: [{ type: 'reference', updateId: choices.updateId }] }, ['CountWrong steps']],
    [{ description: 'A toaster' }, ['MemberUnknown description']],
    [
      { steps: [{ ...step, files: ['install.sh', 'image.bin'] }] },
      [
        'MemberUnknown steps 0 handlerProperties scriptFileName',
        'LengthWrong steps 0 handlerProperties installedCriteria',
      ],
    ],
    [{ steps: old.steps.map((step) => ({ ...step, description: 'x' })) }, ['MemberUnknown steps 0 description']],
    [{ steps: old.steps.map((step) => ({ ...step, files: ['install.sh'] })) }, ['StepFileUnknown steps 0 files']],
    [{ files: [] }, ['StepFileUnknown steps 0 files', 'CountWrong files']],
  ]
  for (const [changes, errors] of cases) assert.deepEqual(judged(changes, old).errors, errors)
})
