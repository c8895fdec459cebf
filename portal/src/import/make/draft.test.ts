import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judgeChoices } from '../../../../src/domain/authoring/judge-choices.ts'
import {
  choicesOf,
  type Draft,
  type DraftFile,
  emptyDraft,
  type InlineStep,
  mainFiles,
  moved,
  readUpdate,
} from './draft.ts'
import { guessHandler } from './guess-handler.ts'
import { withFiles } from './with-files.ts'

const sha256 = 'pmWkWSBCL51Bfkhn79xPuKBKHz//H6B+mY6G9/eieuM='
const file = (name: string): DraftFile => ({ key: `key of ${name}`, name, sizeInBytes: 3, sha256 })

function filledIn(files: readonly DraftFile[]): Draft {
  const draft = withFiles(emptyDraft(new Date('2026-05-06T07:08:09Z')), files)
  const [kind] = draft.compatibility
  return {
    ...draft,
    updateId: { provider: 'Contoso', name: 'Toaster', version: '1.2' },
    compatibility: [{ key: 'one', rows: (kind?.rows ?? []).map((row) => ({ ...row, value: 'Toaster' })) }],
  }
}

test('a form with two files and a name is a manifest, with what the handler needs', () => {
  const files = [file('install.sh'), file('toaster.conf')]
  const choices = choicesOf(filledIn(files), files)
  const { manifest, errors, warnings } = judgeChoices(choices)
  assert.deepEqual([errors, warnings], [[], []])
  assert.equal(manifest?.createdDateTime, '2026-05-06T07:08:09Z')
  const [step] = choices.steps
  assert.deepEqual(step?.type === 'inline' && step.handlerProperties, [{ name: 'scriptFileName', value: 'install.sh' }])
})

test('an empty form has a mistake for each thing that is needed, at its place', () => {
  const { errors } = judgeChoices(choicesOf(emptyDraft(new Date()), []))
  assert.deepEqual(errors.map(({ place }) => place.join('.')).sort(), [
    'compatibility.0',
    'files',
    'steps.0.files',
    'updateId.name',
    'updateId.provider',
    'updateId.version',
  ])
})

test('installedCriteria waits for a version', () => {
  const files = [file('toaster.swu')]
  const draft = filledIn(files)
  const criteria = (version: string) => {
    const [step] = choicesOf({ ...draft, updateId: { ...draft.updateId, version } }, files).steps
    return step?.type === 'inline' ? step.handlerProperties : undefined
  }
  assert.deepEqual(criteria(''), [])
  assert.deepEqual(criteria('1.2'), [{ name: 'installedCriteria', value: '1.2' }])
})

test('a related file stands below the file that it helps to make, and not among the others', () => {
  const files = [file('image.swu'), file('image.diff')]
  const draft: Draft = {
    ...filledIn(files.slice(0, 1)),
    extras: {
      'key of image.swu': { downloadHandler: 'microsoft/delta:1', related: ['key of image.diff'], properties: [] },
      'key of image.diff': {
        downloadHandler: '',
        related: [],
        properties: [{ key: 'p', name: 'microsoft.sourceFileHashAlgorithm', value: 'sha256' }],
      },
      'key of a file that is gone': { downloadHandler: '', related: ['key of image.swu'], properties: [] },
    },
  }
  assert.deepEqual(mainFiles(draft, files), files.slice(0, 1))
  const choices = choicesOf(draft, files)
  assert.equal(choices.files[0]?.relatedFiles?.[0]?.fileName, 'image.diff')
  assert.deepEqual(judgeChoices(choices).errors, [])
})

test('files are for the only step, and choose its handler as long as it has no other file', () => {
  const first = withFiles(emptyDraft(new Date()), [file('a.swu')])
  const second = withFiles(first, [file('b.sh')])
  const step = second.steps[0] as InlineStep
  assert.equal(step.handler, 'microsoft/swupdate:1')
  assert.deepEqual(step.files, ['key of a.swu', 'key of b.sh'])
})

test('files tell what they are for', () => {
  assert.equal(guessHandler([{ name: 'a.swu' }]), 'microsoft/swupdate:1')
  assert.equal(guessHandler([{ name: 'a.SWU' }, { name: 'b.sh' }]), 'microsoft/swupdate:2')
  assert.equal(guessHandler([{ name: 'b.py' }, { name: 'c.conf' }]), 'microsoft/script:1')
  assert.equal(guessHandler([{ name: 'list.json', aptManifest: {} }]), 'microsoft/apt:1')
  assert.equal(guessHandler([{ name: 'c.bin' }]), undefined)
})

test('entries move past their neighbours, and stay in at the ends', () => {
  assert.deepEqual(moved(['a', 'b', 'c'], 1, -1), ['b', 'a', 'c'])
  assert.deepEqual(moved(['a', 'b', 'c'], 1, 1), ['a', 'c', 'b'])
  assert.deepEqual(moved(['a', 'b'], 0, -1), ['a', 'b'])
  assert.deepEqual(moved(['a', 'b'], 1, 1), ['a', 'b'])
})

test('a reference is read from what was typed; too many parts are a wrong version', () => {
  assert.deepEqual(readUpdate('Contoso / Toaster/1.0'), { provider: 'Contoso', name: 'Toaster', version: '1.0' })
  assert.deepEqual(readUpdate('Contoso'), { provider: 'Contoso', name: '', version: '' })
  assert.equal(readUpdate('a/b/1.0/2').version, '1.0/2')
})
