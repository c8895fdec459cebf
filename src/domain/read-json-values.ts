/**
 * Readers of single values. Each notes what is wrong and then answers something of the right type all the same, so that
 * one mistake does not hide the next: whoever uses the result asks the findings first. Given no node, they stay silent,
 * since `readMembers` has reported it already.
 */
import type { Findings } from './findings.ts'
import { type JsonNode, type JsonType, quote } from './json-document.ts'
import type { RawJson } from './json-text.ts'
import { LIMITS } from './limits.ts'
import { nearestName } from './nearest-name.ts'

const TYPE_WORDS: Record<JsonType, string> = {
  object: 'an object',
  array: 'an array',
  string: 'a text',
  number: 'a number',
  boolean: 'true or false',
  null: 'null',
}

/** Whether the node has the JSON type; a mistake is noted if it has not. */
export function hasType(node: JsonNode, type: JsonType, findings: Findings): boolean {
  if (node.type === type) return true
  findings.error(
    'TypeWrong',
    node,
    `${node.label} is ${typeFound(node)}, but must be ${TYPE_WORDS[type]}.${typeHint(node, type)}`,
  )
  return false
}

function typeFound(node: JsonNode): string {
  if (node.type === 'number') return `the number ${node.raw.slice(0, 40)}`
  return node.type === 'boolean' ? node.raw : TYPE_WORDS[node.type]
}

function typeHint(node: JsonNode, wanted: JsonType): string {
  const quoted = node.type === 'string' && (wanted === 'number' || wanted === 'boolean')
  if (quoted) return ' Write it without quotes.'
  if (wanted === 'string' && node.type === 'number') return ` Write it in quotes: "${node.raw.slice(0, 40)}".`
  if (node.type === 'null') return ' Write a value, or leave it out where it may be absent.'
  if (wanted === 'array') return ' Put it in square brackets, also if it is the only one.'
  return ''
}

export interface MemberRules<Name extends string> {
  required: readonly Name[]
  optional?: readonly Name[]
  /** Other members are mistakes unless this says `allowed`. */
  others?: 'allowed' | 'refused'
  /** Where an unknown member, in lower case, belongs: a sentence. */
  elsewhere?: (name: string) => string | undefined
}

/** The members of an object by their known names; letter case makes no difference, the first of repeated ones counts. */
export function readMembers<Name extends string>(
  node: JsonNode | undefined,
  { required, optional = [], others = 'refused', elsewhere }: MemberRules<Name>,
  findings: Findings,
): Partial<Record<Name, JsonNode>> {
  if (node === undefined || !hasType(node, 'object', findings)) return {}
  const known = [...required, ...optional]
  const byLowerCase = new Map(known.map((name) => [name.toLowerCase(), name]))
  const found: Partial<Record<Name, JsonNode>> = {}
  for (const member of node.members) {
    const name = byLowerCase.get(member.name.toLowerCase())
    if (name !== undefined) found[name] ??= member
    else if (others === 'allowed') adviseOnName(member, known, findings)
    else {
      findings.error('MemberUnknown', member, () => {
        const hint = elsewhere?.(member.name.toLowerCase()) ?? slipHint(member, known)
        return `${quote(member.name)} is not known here. ${hint ?? `Remove it; known are ${known.join(', ')}.`}`
      })
    }
  }
  for (const name of required.filter((name) => found[name] === undefined)) {
    findings.error('MemberMissing', node, `${node.label} lacks "${name}". Add it.`)
  }
  return found
}

function adviseOnName(member: JsonNode, known: readonly string[], findings: Findings): void {
  const hint = slipHint(member, known)
  if (hint) findings.advise(member, `${quote(member.name)} is allowed, but means nothing here. ${hint}`)
}

function slipHint(member: JsonNode, known: readonly string[]): string | undefined {
  const near = nearestName(member.name, known)
  return near && `Did you mean ${quote(near)}?`
}

export interface TextRules {
  /** In characters, that is Unicode code points. */
  min?: number
  max: number
  /** `accepts` sees texts of the right length only, so that a costly pattern meets no long text. */
  form?: { accepts: (text: string) => boolean; words: string }
  /** Words for people, which may stand in several lines. */
  isProse?: boolean
}

/** A text of `min` (1) to `max` characters that can be stored and shown: whole characters, none of them control characters. */
export function readText(
  node: JsonNode | undefined,
  { min = 1, max, form, isProse = false }: TextRules,
  findings: Findings,
): string {
  if (node === undefined || !hasType(node, 'string', findings)) return ''
  const text = String(node.value)
  const { label } = node
  if (!text.isWellFormed()) {
    findings.error('FormatWrong', node, `${label} has half a character (an unpaired surrogate). Write the whole one.`)
    return text
  }
  const controls = isProse ? text.replaceAll(/[\t\r\n]/g, '') : text
  if (/\p{Cc}/u.test(controls)) {
    const example = isProse ? 'NUL' : 'a line break or NUL'
    findings.error('FormatWrong', node, `${label} has a control character, such as ${example}. Remove it.`)
    return text
  }
  const length = Array.from(text).length
  if (length < min || length > max) {
    const has = length === 0 ? 'is empty' : `has ${length} characters`
    findings.error('LengthWrong', node, `${label} ${has}, but must have ${min} to ${max} characters.`)
  } else if (form?.accepts(text) === false) {
    findings.error('FormatWrong', node, `${label} is ${quote(text)}, but must be ${form.words}.`)
  }
  return text
}

/** True or false. */
export function readBoolean(node: JsonNode, findings: Findings): boolean {
  return hasType(node, 'boolean', findings) && node.value === true
}

/** The entries of an array of `min` (0) to `max`. Those beyond it are answered too, as far as their mistakes would be told. */
export function readItems(
  node: JsonNode | undefined,
  { min = 0, max }: { min?: number; max: number },
  findings: Findings,
): JsonNode[] {
  if (node === undefined || !hasType(node, 'array', findings)) return []
  const items = node.items
  if (items.length < min || items.length > max) {
    findings.error('CountWrong', node, `${node.label} has ${items.length} entries, but must have ${min} to ${max}.`)
  }
  return items.slice(0, LIMITS.findingsMax)
}

/** A whole number from `min` to `max`, however it is written: `1000`, `1e3`, `1000.0`. */
export function readWholeNumber(
  node: JsonNode | undefined,
  { min, max }: { min: number; max: number },
  findings: Findings,
): number {
  if (node === undefined || !hasType(node, 'number', findings)) return 0
  const number = Number(node.value)
  if (Number.isInteger(number) && number >= min && number <= max) return number
  const written = node.raw.slice(0, 40)
  findings.error('NumberWrong', node, `${node.label} is ${written}, but must be a whole number from ${min} to ${max}.`)
  return 0
}

/** An object of which nothing is known, to the letter. */
export function readFreeObject(node: JsonNode | undefined, findings: Findings): RawJson | undefined {
  return node !== undefined && hasType(node, 'object', findings) ? node.compact() : undefined
}

/** Notes members that stand twice in one object, anywhere in the document: readers would not agree which one counts. */
export function refuseRepeatedMembers(node: JsonNode, findings: Findings): void {
  for (const item of node.items) refuseRepeatedMembers(item, findings)
  if (node.type !== 'object') return
  const firstByName = new Map<string, JsonNode>()
  for (const member of node.members) {
    const key = member.name.toLowerCase()
    const first = firstByName.get(key)
    if (first === undefined) firstByName.set(key, member)
    else {
      findings.error('MemberRepeated', member, () => {
        const again = `${quote(first.name)} at ${first.position} stands again as ${quote(member.name)} at ${member.position}`
        return `${again}; letter case makes no difference. Keep one.`
      })
    }
    refuseRepeatedMembers(member, findings)
  }
}
