import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { Settings } from 'typebox/system'
import { AppError } from '../../domain/errors.ts'
import type { ImportRequest } from '../../domain/import-request.ts'
import { LIMITS } from '../../domain/limits.ts'
import { STAGING_PROTOCOL, stagedIdOf } from '../../domain/staged-upload.ts'
import { ImportUpdateInput, ImportUpdateInputItem, ImportUpdateInputV2 } from './import-schemas.ts'

interface Item {
  importManifest: { url: string; sizeInBytes: number; hashes: Record<string, string> }
  friendlyName?: string
  files?: { filename: string; url: string }[]
}

// Eight, unless told: fewer than a request with eleven inputs may have.
Settings.Set({ maxErrors: LIMITS.findingsMax })

/** Which schema a body of this shape has to fulfil. 2020-09-01 asks for `files`; later a parent may have none. */
const SCHEMAS = { list: ImportUpdateInput, object: ImportUpdateInputItem, objectV2: ImportUpdateInputV2 }
const validators = { list: Compile(SCHEMAS.list), object: Compile(SCHEMAS.object), objectV2: Compile(SCHEMAS.objectV2) }

/**
 * Reads the body of Import Update. Three shapes occur: a single object (2020-09-01), a list of them (2021-06-01-preview and
 * later) and a list inside `importUpdateInput` (2024-07-01-draft); each is taken at every import URL. Member names are read in any
 * letter case, since official samples write `ImportManifest`, `fileName` and `SHA256`; members that are not known are ignored.
 *
 * Throws `AppError('InvalidRequest')` with every mistake in `details`, up to `LIMITS.findingsMax`; `target` is its JSON Pointer.
 */
export function readImportBody(body: unknown, { filesRequired }: { filesRequired: boolean }): ImportRequest {
  const { shape, value, prefix } = shapeOf(body, filesRequired)
  const canonical = rename(value, SCHEMAS[shape], prefix)
  const errors = validators[shape]
    .Errors(canonical)
    .flatMap((error) =>
      error.keyword === 'required'
        ? (error.params as { requiredProperties: string[] }).requiredProperties.map((name) =>
            invalid(`${prefix}${error.instancePath}/${name}`, 'is missing'),
          )
        : [invalid(`${prefix}${error.instancePath}`, error.message)],
    )
  if (errors.length === 0) {
    const items = (shape === 'list' ? canonical : [canonical]) as Item[]
    for (const [index, item] of items.entries())
      errors.push(...check(item, shape === 'list' ? `${prefix}/${index}` : prefix))
    if (errors.length === 0) return { inputs: items.map(inputOf) }
  }
  throw new AppError('InvalidRequest', `The request body is not valid: ${errors[0]?.message}`, {
    ...(errors[0]?.target !== undefined && { target: errors[0].target }),
    details: errors.slice(0, LIMITS.findingsMax),
  })
}

function shapeOf(
  body: unknown,
  filesRequired: boolean,
): { shape: keyof typeof SCHEMAS; value: unknown; prefix: string } {
  if (Array.isArray(body)) return { shape: 'list', value: body, prefix: '' }
  if (isObject(body)) {
    const wrapped = Object.keys(body).find((name) => name.toLowerCase() === 'importupdateinput')
    if (wrapped !== undefined) return { shape: 'list', value: body[wrapped], prefix: `/${wrapped}` }
    return { shape: filesRequired ? 'objectV2' : 'object', value: body, prefix: '' }
  }
  throw new AppError(
    'InvalidRequest',
    'The request body must be a list of inputs, each {"importManifest": {url, sizeInBytes, hashes}, "files": [{filename, url}]}.',
    { target: '' },
  )
}

/** Gives members the names of the schema, whatever letter case they came in. A null member counts as absent. */
function rename(value: unknown, schema: TSchema, pointer: string): unknown {
  const { items, maxItems, properties, maxProperties, additionalProperties } = schema as {
    items?: TSchema
    maxItems?: number
    properties?: Record<string, TSchema>
    maxProperties?: number
    additionalProperties?: TSchema
  }
  // A body has room for thousands of entries: more than may be are not even looked at.
  if (Array.isArray(value) && maxItems !== undefined && value.length > maxItems) {
    throw invalid(pointer, `must not have more than ${maxItems} items`)
  }
  if (Array.isArray(value))
    return items ? value.map((item, index) => rename(item, items, `${pointer}/${index}`)) : value
  if (!isObject(value) || properties === undefined) return value
  if (maxProperties !== undefined && Object.keys(value).length > maxProperties) {
    throw invalid(pointer, `must not have more than ${maxProperties} members`)
  }
  const renamed: Record<string, unknown> = {}
  for (const [name, member] of Object.entries(value)) {
    const lower = name.toLowerCase()
    const known = Object.keys(properties).find((candidate) => candidate.toLowerCase() === lower)
    const target = known ?? (additionalProperties ? lower : undefined)
    if (target === undefined || member === null) continue
    if (Object.hasOwn(renamed, target)) {
      throw new AppError('InvalidRequest', `${pointer}/${name} stands twice; letter case makes no difference.`, {
        target: `${pointer}/${name}`,
      })
    }
    const memberSchema = known === undefined ? undefined : properties[known]
    Object.defineProperty(renamed, target, {
      value: memberSchema ? rename(member, memberSchema, `${pointer}/${name}`) : member,
      enumerable: true,
    })
  }
  return renamed
}

/** What a schema cannot say. */
function check(item: Item, pointer: string): AppError[] {
  const errors = [
    ...checkUrl(item.importManifest.url, `${pointer}/importManifest/url`),
    ...checkSha256(item.importManifest.hashes.sha256 ?? '', `${pointer}/importManifest/hashes/sha256`),
    ...(item.files ?? []).flatMap(({ url }, index) => checkUrl(url, `${pointer}/files/${index}/url`)),
  ]
  // It is kept in databases and shown to people.
  if (item.friendlyName !== undefined && (/\p{Cc}/u.test(item.friendlyName) || !item.friendlyName.isWellFormed())) {
    errors.push(invalid(`${pointer}/friendlyName`, 'must have no control characters'))
  }
  return errors
}

function checkUrl(text: string, pointer: string): AppError[] {
  if (stagedIdOf(text) !== undefined) return []
  const url = URL.parse(text)
  if (url === null) return [invalid(pointer, 'must be an absolute http or https URL')]
  if (url.protocol === STAGING_PROTOCOL) {
    return [invalid(pointer, 'must be staging: and the id of an upload, 32 hex digits in lower case')]
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    return [invalid(pointer, `must be an http or https URL, not ${url.protocol.slice(0, 20)}`)]
  }
  return []
}

function checkSha256(text: string, pointer: string): AppError[] {
  if (Buffer.from(text, 'base64').toString('base64') === text && Buffer.from(text, 'base64').byteLength === 32)
    return []
  const hint = /^[0-9a-f]{64}$/i.test(text) ? '; it looks like a hex digest, but Device Update wants base64' : ''
  return [invalid(pointer, `must be the SHA-256 digest in base64, 44 characters${hint}`)]
}

function inputOf({ importManifest, friendlyName, files = [] }: Item): ImportRequest['inputs'][number] {
  return {
    importManifest,
    ...(friendlyName !== undefined && { friendlyName }),
    files: files.map(({ filename, url }) => ({ fileName: filename, url })),
  }
}

function invalid(target: string, message: string): AppError {
  return new AppError('InvalidRequest', `${target || 'the body'} ${message}.`, { target })
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
