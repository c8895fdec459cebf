import { KNOWN_HANDLERS, type KnownHandler } from '../../domain/manifest/known-handlers.ts'
import { nearestName } from '../../domain/nearest-name.ts'

/** `aduana init handlers [HANDLER]`. Throws an `Error` with a sentence for one that is not known. */
export function printHandlers(id: string | undefined): void {
  if (id === undefined) {
    console.log([...KNOWN_HANDLERS].map(([id, handler]) => describe(id, handler)).join('\n\n'))
    console.log('\nAny other handler may be used too, with any properties; nothing is known about it here.')
    return
  }
  const handler = KNOWN_HANDLERS.get(id)
  if (handler === undefined) {
    const near = nearestName(id, [...KNOWN_HANDLERS.keys()])
    const hint = near ? `Did you mean ${near}?` : `Known are ${[...KNOWN_HANDLERS.keys()].join(', ')}.`
    throw new Error(`Nothing is known about ${id}. ${hint} Any handler may be used, with any properties.`)
  }
  console.log(describe(id, handler))
}

function describe(id: string, { summary, files, properties }: KnownHandler): string {
  const width = Math.max(...properties.map(({ name }) => name.length))
  return [
    `${id}: ${summary}`,
    `  takes ${files.words}`,
    ...properties.map(({ name, words, isRequired, values }) => {
      const only = values ? ` One of ${values.join(', ')}.` : ''
      return `  ${name.padEnd(width)}  ${isRequired ? 'required' : 'optional'}  ${words}${only}`
    }),
  ].join('\n')
}
