import { isAbsolute, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseStoreAddress, type StoreAddress, storeTitle } from '../adapters/object-store/store-address.ts'
import { INSTANCE_NAME } from '../domain/instance-name.ts'
import type { Setting, ValuesOf } from './read-settings.ts'
import { parseDuration } from './values.ts'

/** Where devices download from besides the server itself. */
export const DISTRIBUTION_SETTINGS = {
  distribute: {
    placeholder: 'NAME=DIR-OR-URL',
    description:
      'distribution store, which gets a copy of every imported file for devices to download: a folder, azblob://CONTAINER[/PREFIX] or s3://BUCKET[/PREFIX], used by nobody else (repeatable)',
    isList: true,
    parse: parseNamed(parseStore),
  },
  'distribute-required': {
    placeholder: 'NAME',
    description: 'distribution store that all files of an import must reach before it succeeds (repeatable)',
    isList: true,
    parse: parseName,
  },
  'content-url': {
    placeholder: 'NAME=URL',
    description:
      'address that devices reach a distribution store at, with {path} where that of the file goes: https://cdn.example.com/{path} (repeatable)',
    isList: true,
    parse: parseNamed(parseTemplate),
  },
  'distribute-check': {
    placeholder: 'DURATION',
    description: 'how often distribution stores are compared with the catalogue, and what they lost is copied again',
    default: '10m',
    parse: parseCheckEvery,
  },
} satisfies Record<string, Setting<unknown>>

type DistributionConfig = ValuesOf<typeof DISTRIBUTION_SETTINGS>

/** A distribution store as it is configured. */
export interface ConfiguredStore {
  name: string
  address: StoreAddress
  /** Whether an import must reach it before it succeeds. */
  isRequired: boolean
  /** The address of its files, with `{path}` in it. */
  template: string | undefined
}

/** The distribution stores, in the order in which they were named. */
export function distributionStoresOf(config: DistributionConfig): ConfiguredStore[] {
  const templates = new Map(config['content-url'].map(({ name, value }) => [name, value]))
  return config.distribute.map(({ name, value }) => ({
    name,
    address: value,
    isRequired: config['distribute-required'].includes(name),
    template: templates.get(name),
  }))
}

/** What is wrong with these settings together, in sentences. `own` are the places that have keys or blobs in them. */
export function distributionMistakes(config: DistributionConfig, own: readonly StoreAddress[]): string[] {
  const { distribute, 'distribute-required': required, 'content-url': templates } = config
  const names = distribute.map(({ name }) => name)
  const titles = distribute.map(({ value }) => storeTitle(value))
  const unknown = (flag: string, name: string) =>
    names.includes(name) ? [] : [`--${flag} ${name}: there is no --distribute ${name}=DIR-OR-URL.`]
  return [
    ...repeated(names).map((name) => `--distribute ${name} is given twice.`),
    ...repeated(titles).map((title) => `${title} is the store of two --distribute; each needs one of its own.`),
    ...required.flatMap((name) => unknown('distribute-required', name)),
    ...templates.flatMap(({ name }) => unknown('content-url', name)),
    ...repeated(templates.map(({ name }) => name)).map((name) => `--content-url ${name} is given twice.`),
    ...distribute.flatMap(({ name, value }) =>
      own.some((place) => isWithin(place, value))
        ? [`--distribute ${name}: ${storeTitle(value)} holds what no web server may serve. Name a place of its own.`]
        : [],
    ),
  ]
}

/** Whether whoever may read all of `place` may read what is in `address`. */
function isWithin(address: StoreAddress, place: StoreAddress): boolean {
  if (address.kind === 'folder' && place.kind === 'folder') {
    const way = relative(place.path, address.path)
    return !isAbsolute(way) && way.split(/[/\\]/, 1)[0] !== '..'
  }
  return address.kind === place.kind && `${storeTitle(address)}/`.startsWith(`${storeTitle(place)}/`)
}

function repeated(texts: readonly string[]): string[] {
  return [...new Set(texts.filter((text, index) => texts.indexOf(text) < index))]
}

function parseNamed<T>(parse: (text: string) => T): (text: string) => { name: string; value: T } {
  return (text) => {
    const [, name, value = ''] = /^([^=]*)=(.*)$/s.exec(text) ?? []
    // It may be an address with something secret in it.
    if (name === undefined) throw new Error('what is given is not NAME=VALUE.')
    return { name: parseName(name), value: parse(value) }
  }
}

function parseName(text: string): string {
  if (INSTANCE_NAME.test(text)) return text
  throw new Error(`${JSON.stringify(text)} is not the name of a store: 3 to 36 lower-case letters, digits and dashes.`)
}

function parseStore(text: string): StoreAddress {
  return /^file:/i.test(text) ? { kind: 'folder', path: fileURLToPath(text) } : parseStoreAddress(text)
}

const EXAMPLE = 'https://cdn.example.com/{path}'

function parseTemplate(text: string): string {
  const marker = 'where-the-path-goes'
  const url = URL.parse(text.replace('{path}', marker))
  if (url === null || !/^https?:$/.test(url.protocol)) throw new Error(`${text} is no address like ${EXAMPLE}.`)
  if (url.username !== '' || url.password !== '') {
    throw new Error('the address has a user in it, but whoever may read updates sees it.')
  }
  if (!url.pathname.includes(marker) || text.split('{path}').length > 2) {
    throw new Error(`${text} must have {path} in its path, once, as in ${EXAMPLE}.`)
  }
  return text
}

function parseCheckEvery(text: string): number {
  const ms = parseDuration(text)
  if (ms < 1000 || ms > 86_400_000) throw new Error(`${text} is not between 1s and 24h.`)
  return ms
}
