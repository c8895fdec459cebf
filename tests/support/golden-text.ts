import type { Answered, Question } from './ask.ts'

/** Headers that say nothing about the API, or that differ between runs. */
const OMITTED = new Set(['connection', 'date', 'keep-alive', 'content-length'])

/** What differs between runs, and how it stands in a golden file. The same thing gets the same number within one exchange. */
const VARIABLES: readonly [name: string, pattern: RegExp][] = [
  ['guid', /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g],
  ['fileId', /\bf[0-9a-f]{16}\b/g],
  ['contentId', /(?<=\/content\/)[0-9a-f]{32}\b/g],
  ['port', /(?<=127\.0\.0\.1:)\d+/g],
]

/** A time as headers have it. */
const HEADER_TIME = /\w{3}, \d{2} \w{3} \d{4} \d{2}:\d{2}:\d{2} GMT/g
/** The server's clock has milliseconds; times in manifests have other fractions, or none. */
const SERVER_TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}0000Z/g

/** Lists are shortened to this many entries. */
const LIST_MAX = 12

/**
 * One exchange as a person reads it: request line, then status, headers and body of the answer, with `{guid 1}` and the like in
 * place of what differs between runs. `known` are texts that the test chose itself and that stay as they are.
 */
export function goldenText(
  path: string,
  { method = 'GET', body }: Question,
  answer: Answered,
  known: readonly string[],
): string {
  const headers = Object.entries(answer.headers)
    .filter(([name, value]) => !OMITTED.has(name) || (name === 'content-length' && value === '0'))
    .map(([name, value]) => `${name}: ${value}`)
    .sort()
  const text = [
    `${method} ${path}`,
    ...(body === undefined ? [] : [String(body).slice(0, 2000)]),
    '',
    `HTTP ${answer.status}`,
    ...headers,
    ...(answer.text === '' ? [] : ['', readable(answer)]),
  ].join('\n')
  return stable(text, known)
}

function readable({ headers, text }: Answered): string {
  if (!/json/.test(headers['content-type'] ?? '')) return text.trimEnd()
  const shorten = (_name: string, value: unknown) =>
    Array.isArray(value) && value.length > LIST_MAX
      ? [value[0], value[1], `… ${value.length - 3} more …`, value.at(-1)]
      : value
  return JSON.stringify(JSON.parse(text, shorten), null, 2)
}

function stable(text: string, known: readonly string[]): string {
  let result = text.replaceAll(SERVER_TIME, '{time}').replaceAll(HEADER_TIME, '{time}')
  for (const [name, pattern] of VARIABLES) {
    const numbers = new Map<string, number>()
    result = result.replaceAll(pattern, (found) => {
      if (known.includes(found)) return found
      const number = numbers.get(found) ?? numbers.size + 1
      numbers.set(found, number)
      return `{${name} ${number}}`
    })
  }
  return result
}
