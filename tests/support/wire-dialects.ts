/** How a request is written in one generation of the API, to the letter. */
export interface WireDialect {
  title: string
  /** Which documents it has. */
  family: 'v2' | '2021' | '2022'
  /** Everything before `/updates`, for the instance `default`. */
  base: string
  /** What follows a path that has no other query. */
  query: string
  /** What follows the base in an import. */
  importPath: string
  /** What stands before the names of query options. */
  prefix: '' | '$'
  /** The body of an import of one update. */
  body(input: object): object
}

const alone = (input: object) => input
const inList = (input: object) => [input]

/** Every generation that a client may speak, and one that is not published yet. */
export const WIRE_DIALECTS: readonly WireDialect[] = [
  {
    title: 'v2',
    family: 'v2',
    base: '/deviceupdate/default/v2',
    query: '',
    importPath: '/updates?action=import',
    prefix: '$',
    body: alone,
  },
  {
    title: 'api-version=2',
    family: 'v2',
    base: '/deviceupdate/default',
    query: '?api-version=2',
    importPath: '/updates?action=import&api-version=2',
    prefix: '$',
    body: alone,
  },
  {
    title: '2021-06-01-preview',
    family: '2021',
    base: '/deviceupdate/default',
    query: '?api-version=2021-06-01-preview',
    importPath: '/updates?action=import&api-version=2021-06-01-preview',
    prefix: '$',
    body: inList,
  },
  {
    title: '2022-10-01',
    family: '2022',
    base: '/deviceUpdate/default',
    query: '?api-version=2022-10-01',
    importPath: '/updates:import?api-version=2022-10-01',
    prefix: '',
    body: inList,
  },
  {
    title: 'a version that Aduana does not know yet',
    family: '2022',
    base: '/deviceUpdate/default',
    query: '?api-version=2031-12-31',
    importPath: '/updates:import?api-version=2031-12-31',
    prefix: '',
    body: (input) => ({ importUpdateInput: [input], enableScan: true }),
  },
]

/** The address of something under `/updates`, with query options named as the dialect names them. */
export function addressOf(dialect: WireDialect, path: string, options: Record<string, string> = {}): string {
  const { base, query, prefix } = dialect
  const more = Object.entries(options).map(([name, value]) => `${prefix}${name}=${encodeURIComponent(value)}`)
  const all = [query.slice(1), ...more].filter((part) => part !== '').join('&')
  return `${base}/updates${path}${all === '' ? '' : `?${all}`}`
}

/** The path of an update under `/updates`. */
export function pathOf({ provider, name, version }: { provider: string; name: string; version: string }): string {
  return `/providers/${provider}/names/${name}/versions/${version}`
}
