import type { Judgement } from '../../domain/authoring/judge-choices.ts'
import type { Place } from '../../domain/authoring/place-of.ts'
import type { Draft, FileDraft } from './draft.ts'
import { missingFlags } from './missing-flags.ts'

interface Named {
  draft: Draft
  fileDrafts: readonly FileDraft[]
}

/** What the reader of manifests finds wrong, in terms of flags; without what only follows from a flag that is missing. */
export function flagErrors({ errors }: Judgement, named: Named): string[] {
  const { steps, compatibility } = named.draft
  const told: Place[] = [
    ...missingFlags(named.draft).map(({ place }) => place),
    // A step without handler and a --compat without a single pair were refused as such.
    ...steps.flatMap((step, i) => (step.type === 'inline' && step.handler === undefined ? [['steps', i]] : [])),
    ...compatibility.flatMap((properties, i) => (properties.length === 0 ? [['compatibility', i]] : [])),
  ]
  return errors
    .filter(({ place }) => !told.some((outer) => outer.every((part, i) => place[i] === part)))
    .map(({ code, message, place }) => `${nameFlags(place, named)}: ${message} (${code})`)
}

/** What a place among the choices is called in flags. */
export function nameFlags([first, second, third, ...rest]: Place, { draft, fileDrafts }: Named): string {
  switch (first) {
    case 'updateId':
      return second === undefined ? '--provider, --name, --version' : `--${second}`
    case 'isDeployable':
      return '--is-deployable'
    case 'manifestVersion':
      return '--manifest-version'
    case 'compatibility': {
      const which = typeof second === 'number' && draft.compatibility.length > 1 ? ` ${second + 1}` : ''
      return `--compat${which}${third === undefined ? '' : ` ${third}=`}`
    }
    case 'steps':
      return typeof second === 'number' ? stepName(second, third, rest, draft) : '--step'
    case 'files':
      return typeof second === 'number' ? fileName(fileDrafts[second], third, rest) : '--file'
    default:
      return first === undefined ? 'the manifest' : `--${first}`
  }
}

function stepName(index: number, member: string | number | undefined, rest: Place, draft: Draft): string {
  const step = draft.steps[index]
  const label = step?.label
  if (member === 'handlerProperties') {
    const [property] = rest
    const of = label === undefined ? '--property' : `${label}, properties`
    return property === undefined ? of : `${of} ${property}=`
  }
  if (label === undefined) return member === 'files' ? '--file' : '--handler'
  if (member === undefined || member === 'files') return label
  return `${label} ${[member, ...rest].join('.')}=`
}

function fileName(file: FileDraft | undefined, member: string | number | undefined, [index, ...rest]: Place): string {
  if (member !== 'relatedFiles') return `--file ${file?.path}${detailName(member)}`
  const related = typeof index === 'number' ? file?.relatedFiles[index] : undefined
  return related ? `--related-file ${related.path}${detailName(rest[0])}` : `--related-file of ${file?.path}`
}

function detailName(member: string | number | undefined): string {
  if (member === 'properties') return ' properties='
  return member === 'downloadHandlerId' ? ' downloadHandler=' : ''
}
