import type { UpdateChoices } from './choices.ts'
import type { ChoiceFinding } from './judge-choices.ts'

/**
 * What was chosen and cannot be written down in the chosen manifest version at all, so that no reader could find it. Later
 * versions have a member for every choice.
 */
export function findUnfit({ manifestVersion, steps, files }: UpdateChoices): ChoiceFinding[] {
  if (manifestVersion !== '2.0') return []
  const [step] = steps
  if (step?.type !== 'inline' || steps.length !== 1) {
    const message = 'Manifest 2.0 has one handler with its files: exactly one inline step. Use version 5.0 for others.'
    return [{ code: 'CountWrong', message, place: ['steps'] }]
  }
  const found: ChoiceFinding[] = []
  if (step.description !== undefined) {
    const message = 'Manifest 2.0 has no description of steps. Leave it out, or use version 5.0.'
    found.push({ code: 'MemberUnknown', message, place: ['steps', 0, 'description'] })
  }
  for (const [i, { name }] of (step.handlerProperties ?? []).entries()) {
    const isFirst = step.handlerProperties?.findIndex((other) => other.name === name) === i
    if (name === 'installedCriteria' && isFirst) continue
    const message =
      name === 'installedCriteria'
        ? '"installedCriteria" is given twice. Keep one.'
        : 'Manifest 2.0 has no handler properties except installedCriteria. Leave it out, or use version 5.0.'
    found.push({
      code: isFirst ? 'MemberUnknown' : 'MemberRepeated',
      message,
      place: ['steps', 0, 'handlerProperties', name],
    })
  }
  const names = new Set(files.map(({ fileName }) => fileName))
  if (step.files.some((name) => !names.has(name)) || names.size !== new Set(step.files).size) {
    const message = 'In manifest 2.0 the files of the only step are all files of the update. Name them all, or use 5.0.'
    found.push({ code: 'StepFileUnknown', message, place: ['steps', 0, 'files'] })
  }
  return found
}
