import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { choicesOf } from '../../../tests/support/choices-of.ts'
import { RawJson } from '../json-text.ts'
import type { BaseFileChoice, Property, StepChoice, UpdateChoices } from './choices.ts'
import { judgeChoices } from './judge-choices.ts'

/** Records with the prototype that object literals have. */
const record = <T>(model: { [Name in keyof T]: fc.Arbitrary<T[Name]> }) =>
  fc.record<T>(model, { noNullPrototype: true })
const text = (max: number, min = 1) =>
  fc
    .string({ unit: 'grapheme', minLength: min, maxLength: max })
    .filter((text) => Array.from(text).length >= min && Array.from(text).length <= max && !/\p{Cc}/u.test(text))
const identity = fc.stringMatching(/^[a-zA-Z0-9.-]{1,64}$/)
const updateId = record({
  provider: identity,
  name: identity,
  version: fc.array(fc.nat(2_147_483_647), { minLength: 2, maxLength: 4 }).map((parts) => parts.join('.')),
})
const handler = fc.stringMatching(/^[a-z]{1,10}\/[a-z]{1,10}:\d{1,5}$/)
const fileName = text(255).filter((name) => !/[/\\]|^\.\.?$/.test(name))
const sha256 = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('base64'))
const lowerCase = (text: string) => text.toLowerCase()

const jsonText = fc
  .letrec((tie) => ({
    value: fc.oneof(fc.boolean(), fc.double(), fc.bigInt(), fc.constant(null), text(9), tie('list'), tie('object')),
    list: fc.array(tie('value'), { maxLength: 3 }),
    object: fc.dictionary(fc.stringMatching(/^[a-z0-9]{1,3}$/), tie('value'), { maxKeys: 3 }),
  }))
  .value.map((value) => JSON.stringify(value, (_, inner) => (typeof inner === 'bigint' ? Number(inner) : inner)))
const property: fc.Arbitrary<Property> = record({
  name: text(32, 0),
  value: fc.oneof(
    text(99, 0),
    jsonText.filter((json) => !json.startsWith('"')).map((json) => new RawJson(json)),
  ),
})
const properties = fc.uniqueArray(property, { selector: ({ name }) => lowerCase(name), minLength: 1, maxLength: 4 })
const optional = <T>(name: string, value: fc.Arbitrary<T>): fc.Arbitrary<Record<string, T>> =>
  fc.option(value, { nil: undefined }).map((value) => (value === undefined ? {} : { [name]: value }))
const merged = (...parts: fc.Arbitrary<object>[]) => fc.tuple(...parts).map((parts) => Object.assign({}, ...parts))

const baseFile: fc.Arbitrary<BaseFileChoice> = record({
  fileName,
  sizeInBytes: fc.integer({ min: 1, max: 10_000_000 }),
  sha256,
})
const compatibility = fc.array(
  fc.uniqueArray(record({ name: text(32), value: text(64) }), {
    selector: ({ name }) => lowerCase(name),
    minLength: 1,
    maxLength: 5,
  }),
  { minLength: 1, maxLength: 10 },
)
const old = fc.array(
  fc.tuple(text(64), text(64)).map(([manufacturer, model]) => [
    { name: 'deviceManufacturer', value: manufacturer },
    { name: 'deviceModel', value: model },
  ]),
  { minLength: 1, maxLength: 10 },
)
const rest = merged(
  record({
    updateId,
    isDeployable: fc.boolean(),
    createdDateTime: fc
      .date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true })
      .map((date) => `${date.toISOString().slice(0, 19)}Z`),
  }),
)

/** Files with names that are unique over all of them and their related files. */
function files(version: '5.0' | '4.0' | '2.0', max: number) {
  const all = fc.uniqueArray(baseFile, { selector: (file) => lowerCase(file.fileName), minLength: 1, maxLength: max })
  if (version !== '5.0') return all
  return all.chain((files) => {
    const [main, ...others] = files
    const related = others.slice(0, 2)
    return merged(
      fc.constant(main!),
      optional('properties', properties),
      optional('downloadHandlerId', handler),
      related.length === 0 ? fc.constant({}) : optional('relatedFiles', fc.constant(related)),
    ).map((first) => [first, ...others.slice(2)])
  })
}

const stepped = fc.constantFrom('5.0' as const, '4.0' as const).chain((manifestVersion) =>
  files(manifestVersion, 10).chain((files: BaseFileChoice[]) => {
    const inline = merged(
      record({
        type: fc.constant('inline'),
        handler,
        files: fc.shuffledSubarray(
          files.map(({ fileName }) => fileName),
          { minLength: 1 },
        ),
      }),
      optional('description', text(64)),
      optional('handlerProperties', properties),
    )
    const reference = merged(record({ type: fc.constant('reference'), updateId }), optional('description', text(64)))
    return merged(
      rest,
      record({
        compatibility,
        steps: fc.array(fc.oneof(inline, reference), { minLength: 1, maxLength: 10 }),
        files: fc.constant(files),
        manifestVersion: fc.constant(manifestVersion),
      }),
      optional('description', text(512)),
    )
  }),
)
const single = files('2.0', 5).chain((files: BaseFileChoice[]) =>
  merged(
    rest,
    record({
      compatibility: old,
      steps: record({
        type: fc.constant('inline' as const),
        handler,
        handlerProperties: text(64).map((value) => [{ name: 'installedCriteria', value }]),
        files: fc.constant(files.map(({ fileName }) => fileName)),
      }).map((step): StepChoice[] => [step]),
      files: fc.constant(files),
      manifestVersion: fc.constant('2.0'),
    }),
  ),
)

test('whatever keeps to the rules is judged valid in every version, and the manifest says exactly what was chosen', () => {
  const isReference = (choices: UpdateChoices) =>
    choices.steps.some((step) => step.type === 'reference' && step.updateId.name === choices.updateId.name)
  fc.assert(
    fc.property(fc.oneof(stepped, single), (choices: UpdateChoices) => {
      fc.pre(!isReference(choices))
      const { manifest, errors, text } = judgeChoices(choices)
      assert.deepEqual(errors, [], text)
      assert.deepEqual(choicesOf(manifest!), choices)
      assert.equal(judgeChoices(choicesOf(manifest!)).text, text)
    }),
    { numRuns: 300 },
  )
})

test('any choices at all are judged, and every finding has a place among the choices', () => {
  const wild = fc.string({ unit: 'binary', maxLength: 40 })
  const wildProperties = fc.array(record({ name: wild, value: fc.oneof(wild, fc.constant(null)) }), { maxLength: 3 })
  const wildId = record({ provider: wild, name: wild, version: wild })
  const wildFile = { fileName: wild, sizeInBytes: fc.double(), sha256: wild, properties: wildProperties }
  const choices = record({
    manifestVersion: fc.constantFrom('5.0' as const, '4.0' as const, '2.0' as const),
    updateId: wildId,
    description: fc.option(wild, { nil: undefined }),
    isDeployable: fc.boolean(),
    compatibility: fc.array(wildProperties, { maxLength: 12 }),
    steps: fc.array(
      fc.oneof(
        record({ type: fc.constant('reference' as const), updateId: wildId, description: wild }),
        record({
          type: fc.constant('inline' as const),
          handler: fc.oneof(wild, fc.constant('microsoft/swupdate:2')),
          description: fc.option(wild, { nil: undefined }),
          handlerProperties: wildProperties,
          files: fc.array(wild, { maxLength: 3 }),
        }),
      ),
      { maxLength: 12 },
    ),
    files: fc.array(
      record({
        ...wildFile,
        downloadHandlerId: wild,
        relatedFiles: fc.array(record(wildFile), { maxLength: 6 }),
      }),
      { maxLength: 12 },
    ),
    createdDateTime: wild,
  })
  fc.assert(
    fc.property(choices, (choices) => {
      const { manifest, errors, warnings } = judgeChoices(choices)
      assert.equal(manifest === undefined, errors.length > 0)
      for (const { place, message } of [...errors, ...warnings]) {
        assert.ok(message.length > 10)
        assert.ok(leadsSomewhere(choices, place), `${JSON.stringify(place)}: ${message}`)
      }
    }),
    { numRuns: 300 },
  )
})

function leadsSomewhere(value: unknown, [part, ...rest]: readonly (string | number)[]): boolean {
  if (part === undefined) return true
  if (Array.isArray(value) && typeof part === 'string') {
    // What is missing has the place where it would be.
    return part === 'installedCriteria' || value.some(({ name }) => name === part)
  }
  return Object.hasOwn(Object(value), part) && leadsSomewhere(Object(value)[part], rest)
}
