import { createScanner, type Node, type ParseErrorCode, parseTree, printParseErrorCode, visit } from 'jsonc-parser'
import { countJsonValues } from './count-json-values.ts'
import { AppError } from './errors.ts'
import { RawJson } from './json-text.ts'
import { LIMITS } from './limits.ts'

export type JsonType = 'object' | 'array' | 'string' | 'number' | 'boolean' | 'null'

/** Strict JSON: neither comments nor a comma after the last entry. */
const STRICT = { disallowComments: true, allowTrailingComma: false }

const LINE_FEED = 0x0a

/** A pointer longer than this is of no use to a person, and one absurd member name must not be repeated in every mistake. */
const POINTER_LENGTH_MAX = 1000

/**
 * Reads UTF-8 bytes, with or without a byte order mark, as one JSON value. `what` is what messages call the document:
 * `manifest`. Throws an `AppError` with the code `DocumentTooLarge`, `DocumentNotJson` or `DocumentTooDeep`.
 */
export function readJsonDocument(bytes: Uint8Array, { what, bytesMax }: { what: string; bytesMax: number }): JsonNode {
  if (bytes.byteLength > bytesMax) {
    throw new AppError(
      'DocumentTooLarge',
      `The ${what} has ${bytes.byteLength} bytes, but may have ${bytesMax} at most. Payload belongs into files.`,
    )
  }
  if (countJsonValues(bytes, LIMITS.jsonValuesMax) > LIMITS.jsonValuesMax) {
    throw new AppError(
      'DocumentTooLarge',
      `The ${what} has more than ${LIMITS.jsonValuesMax} members and items, counted at every depth. Payload belongs into files.`,
    )
  }
  const text = decode(bytes, what)
  refuseDepth(text, what)
  if (!isJson(text)) throw notJson(text, what)
  const root = parseTree(text, [], STRICT)
  if (root === undefined) throw notJson(text, what)
  return new JsonNode(text, root, { key: what })
}

/** A value inside a JSON document that still knows where it stands and how it was written. */
export class JsonNode {
  readonly type: JsonType
  /** What a text, number, truth value or null means; undefined for objects and arrays. */
  readonly value: string | number | boolean | null | undefined
  readonly #text: string
  readonly #node: Node
  readonly #parent: JsonNode | undefined
  /** Its member name or index in the parent; of the root, what the document is called. */
  readonly #key: string | number
  #children: JsonNode[] | undefined

  constructor(text: string, node: Node, place: { parent?: JsonNode; key: string | number }) {
    this.type = node.type as JsonType
    this.value = node.value
    this.#text = text
    this.#node = node
    this.#parent = place.parent
    this.#key = place.key
  }

  /** The member name it stands under; empty for the root and for entries of arrays. */
  get name(): string {
    return this.#parent === undefined || typeof this.#key === 'number' ? '' : this.#key
  }

  /** Where it stands: a JSON Pointer (RFC 6901) in the document's own spelling. */
  get pointer(): string {
    if (this.#parent === undefined) return ''
    const around = this.#parent.pointer
    const pointer = `${around}/${String(this.#key).replaceAll('~', '~0').replaceAll('/', '~1')}`
    return pointer.length > POINTER_LENGTH_MAX ? around : pointer
  }

  /** What messages call it: `sizeInBytes`, `files[2]`. */
  get label(): string {
    if (this.#parent === undefined) return `The ${this.#key}`
    if (typeof this.#key === 'number') return `${this.#parent.label}[${this.#key}]`
    return /^[\w$.-]{1,64}$/.test(this.#key) ? this.#key : quote(this.#key)
  }

  /** Where it begins in the text, its member name included: the order of the document. */
  get offset(): number {
    const { parent, offset } = this.#node
    return parent?.type === 'property' ? parent.offset : offset
  }

  /** The entries of an array; none for other types. */
  get items(): readonly JsonNode[] {
    return this.type === 'array' ? this.#childNodes() : []
  }

  /** The members of an object in the order of the document, repeated ones too; none for other types. */
  get members(): readonly JsonNode[] {
    return this.type === 'object' ? this.#childNodes() : []
  }

  /** The text exactly as it was written. */
  get raw(): string {
    return this.#text.slice(this.#node.offset, this.#node.offset + this.#node.length)
  }

  /** For people: `line 3, column 5`. */
  get position(): string {
    return positionOf(this.#text, this.offset)
  }

  /** The text without white space between its parts; names, numbers, escapes and order stay to the letter. */
  compact(): RawJson {
    return new RawJson([...tokens(this.raw)].join(''))
  }

  #childNodes(): JsonNode[] {
    this.#children ??= (this.#node.children ?? []).map((child, i) => {
      const [name, value] = child.type === 'property' ? (child.children ?? []) : []
      const key = name === undefined ? i : String(name.value)
      return new JsonNode(this.#text, value ?? child, { parent: this, key })
    })
    return this.#children
  }
}

/** A text from outside as it may stand in a message: quoted, on one line, and cut if it is long. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 79)}…` : text)
}

function decode(bytes: Uint8Array, what: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    const isUtf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)
    const hint = isUtf16 ? ' It is UTF-16, as Windows PowerShell writes with ">"; use `Out-File -Encoding utf8`.' : ''
    throw new AppError('DocumentNotJson', `The ${what} is not UTF-8 text. Save it as UTF-8.${hint}`, { cause })
  }
}

/** Runs before anything that recurses, so that no document can exhaust the stack. */
function refuseDepth(text: string, what: string): void {
  let depth = 0
  for (const token of tokens(text)) {
    if (token === '}' || token === ']') depth -= 1
    if (token === '{' || token === '[') depth += 1
    if (depth > LIMITS.jsonDepthMax) {
      throw new AppError(
        'DocumentTooDeep',
        `The ${what} is nested deeper than ${LIMITS.jsonDepthMax} levels. Flatten it.`,
      )
    }
  }
}

function* tokens(text: string): Generator<string> {
  const scanner = createScanner(text, true)
  for (scanner.scan(); scanner.getTokenOffset() < text.length; scanner.scan()) {
    yield text.slice(scanner.getTokenOffset(), scanner.getPosition())
  }
}

/** The runtime's own parser is the judge of the grammar; the tree's parser was made for editors and forgives. */
function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function notJson(text: string, what: string): AppError {
  const start = text.trimStart()
  if (start === '') return new AppError('DocumentNotJson', `The ${what} is empty. Check that the file is whole.`)
  if (start.startsWith('<')) {
    return new AppError(
      'DocumentNotJson',
      `This is a web page (HTML or XML), not a ${what}. Use the URL of the file itself.`,
    )
  }
  let mistake: { code: ParseErrorCode; offset: number } | undefined
  visit(text, { onError: (code, offset) => (mistake ??= { code, offset }) }, STRICT)
  const reason =
    mistake &&
    printParseErrorCode(mistake.code)
      .replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ')
      .toLowerCase()
  return new AppError(
    'DocumentNotJson',
    `The ${what} is not JSON: ${reason ?? 'syntax error'} at ${positionOf(text, mistake?.offset ?? text.length)}.`,
  )
}

function positionOf(text: string, offset: number): string {
  let line = 1
  let lineStart = 0
  for (let i = 0; i < offset; i += 1) {
    if (text.charCodeAt(i) === LINE_FEED) {
      line += 1
      lineStart = i + 1
    }
  }
  return `line ${line}, column ${offset - lineStart + 1}`
}
