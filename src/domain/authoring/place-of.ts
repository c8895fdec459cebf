/** A way into `UpdateChoices`: `['steps', 0, 'handlerProperties', 'scriptFileName']`; empty where everything is meant. */
export type Place = readonly (string | number)[]

/** Which choice stands at a JSON Pointer of the import manifest, in any version. */
export function placeOf(pointer: string): Place {
  const [first, ...rest] = pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
  switch (first) {
    case undefined:
      return []
    case 'instructions':
      return stepPlace(rest.slice(1))
    case 'updateType':
      return ['steps', 0, 'handler']
    case 'installedCriteria':
      return ['steps', 0, 'handlerProperties', 'installedCriteria']
    case 'files':
      return ['files', ...filePlace(rest)]
    case 'compatibility':
      return [first, ...rest.map((part, i) => (i === 0 ? Number(part) : part))]
    default:
      return [first, ...rest]
  }
}

function stepPlace([index, member, ...rest]: readonly string[]): Place {
  if (index === undefined) return ['steps']
  if (member === undefined) return ['steps', Number(index)]
  const inner = member === 'files' ? rest.map(Number) : rest.slice(0, 1)
  return ['steps', Number(index), member, ...inner]
}

/** What the choices call the members of a file; what is inside of them is one choice. */
const FILE_MEMBERS = new Map([
  ['filename', 'fileName'],
  ['hashes', 'sha256'],
  ['downloadHandler', 'downloadHandlerId'],
])

function filePlace([index, member, ...rest]: readonly string[]): Place {
  if (index === undefined) return []
  if (member === undefined) return [Number(index)]
  if (member === 'relatedFiles') return [Number(index), member, ...filePlace(rest)]
  const inner = member === 'properties' ? rest.slice(0, 1) : []
  return [Number(index), FILE_MEMBERS.get(member) ?? member, ...inner]
}
