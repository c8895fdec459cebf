import type { UpdateChoices } from '../../../../src/domain/authoring/choices.ts'
import type { ChoiceFinding, Judgement } from '../../../../src/domain/authoring/judge-choices.ts'
import { formatUpdateId } from '../../../../src/domain/update-id.ts'
import type { PickedFile } from '../files/picked-file.ts'
import { alreadyThere } from '../manifests/judge-manifests.ts'
import { type Draft, readUpdate } from './draft.ts'

/** What the judgement of the manifest says, in the words of the form, and what only this page can know. */
export function judgeMaking(
  choices: UpdateChoices,
  {
    draft,
    files,
    there,
    judgement: { text, errors, warnings },
  }: {
    draft: Draft
    files: readonly PickedFile[]
    there: ReadonlyMap<string, boolean>
    judgement: Judgement
  },
): Pick<Judgement, 'text' | 'errors' | 'warnings'> {
  const unknown = new Set(files.flatMap(({ name, hashing }) => (hashing.kind === 'done' ? [] : [name])))
  const known = errors
    .filter(({ place: [list, index, member] }) => {
      // What is not hashed yet will be; what cannot be read is told below.
      const isHash = list === 'files' && member === 'sha256'
      return !(isHash && unknown.has(choices.files[Number(index)]?.fileName ?? ''))
    })
    .map((finding) => ({ ...finding, message: inWordsOfForm(finding, choices) ?? finding.message }))
  const name = formatUpdateId(choices.updateId)
  const found: ChoiceFinding[] = there.get(name)
    ? [{ code: 'UpdateAlreadyExists', message: alreadyThere(name), place: ['updateId', 'version'] }]
    : []
  for (const [index, step] of draft.steps.entries()) {
    if (step.type === 'inline' || step.update === '') continue
    const update = formatUpdateId(readUpdate(step.update))
    if (there.get(update) !== false) continue
    const message = `${update} is not in this instance. Import it first, or both together by their manifests.`
    found.push({ code: 'ReferenceNotFound', message, place: ['steps', index, 'updateId'] })
  }
  for (const { name, hashing } of files) {
    if (hashing.kind !== 'failed') continue
    const message = `The browser cannot read ${name}. Was it moved or changed? Remove it, or choose it again.`
    found.push({
      code: 'SourceUnreachable',
      message,
      place: ['files', choices.files.findIndex((one) => one.fileName === name)],
    })
  }
  return { text, errors: [...known, ...found], warnings }
}

/** What stands for nothing but an empty field; undefined for everything else. */
function inWordsOfForm(
  { place }: ChoiceFinding,
  { updateId, compatibility, steps, files }: UpdateChoices,
): string | undefined {
  const [list, second, member] = place
  if (list === 'updateId' && second !== undefined && updateId[second as keyof typeof updateId] === '') {
    return `Write the ${second}.`
  }
  if (list === 'compatibility' && place.length === 2 && compatibility[Number(second)]?.length === 0) {
    return 'Say which devices it is for: at least one property must have a value.'
  }
  const file = list === 'files' ? files[Number(second)] : undefined
  if (member === 'sizeInBytes' && file?.sizeInBytes === 0)
    return `${file.fileName} is empty. Remove it: every file has at least one byte.`
  const step = list === 'steps' ? steps[Number(second)] : undefined
  if (member === 'files' && place.length === 3 && step?.type === 'inline' && step.files.length === 0) {
    return `Choose the files of step ${Number(second) + 1}.`
  }
  return undefined
}
