/** Reads a command's settings: flags over environment over a configuration file, every mistake reported at once. */

export interface Setting<T> {
  /** What stands behind the flag in the help, such as `HOST:PORT`. */
  placeholder: string
  description: string
  /** As text, so that the help can show it. */
  default?: string
  /** May stand several times; in the environment the values are divided by commas. */
  isList?: boolean
  /** Throws an `Error` with a sentence if the text is not good. */
  parse: (text: string) => T
}

export type Settings = Readonly<Record<string, Setting<unknown>>>

export type ValuesOf<S extends Settings> = {
  readonly [Name in keyof S]: S[Name] extends { isList: true; parse: (text: string) => infer T }
    ? readonly T[]
    : S[Name] extends { default: string; parse: (text: string) => infer T }
      ? T
      : S[Name] extends { parse: (text: string) => infer T }
        ? T | undefined
        : never
}

/** All mistakes in a configuration, for people. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError'
  readonly mistakes: readonly string[]

  constructor(mistakes: readonly string[]) {
    super(mistakes.join('\n'))
    this.mistakes = mistakes
  }
}

/** Where a value came from, for messages. */
interface Given {
  origin: string
  texts: string[]
}

/** `--allow-source` is `ADUANA_ALLOW_SOURCE`. */
export function environmentName(flag: string): string {
  return `ADUANA_${flag.toUpperCase().replaceAll('-', '_')}`
}

/**
 * Resolves the settings of one command, named by their flags without dashes. `known` are the flags of every command: a variable of
 * another command is ignored, one that no command knows is a mistake. Throws `ConfigurationError`.
 */
export function readSettings<const S extends Settings>(
  settings: S,
  {
    flags,
    environment,
    file,
    known,
  }: {
    flags: Readonly<Record<string, string | readonly string[] | undefined>>
    environment: Readonly<Record<string, string | undefined>>
    file?: { path: string; text: string } | undefined
    known: readonly string[]
  },
): ValuesOf<S> {
  const mistakes = unknownVariables(environment, known)
  const fromFile = file === undefined ? {} : readFile(file, settings, mistakes)
  const values: Record<string, unknown> = {}

  for (const [flag, setting] of Object.entries(settings)) {
    const given = fromFlag(flag, flags[flag]) ?? fromEnvironment(flag, setting, environment) ?? fromFile[flag]
    const texts = given?.texts ?? (setting.default === undefined ? [] : [setting.default])
    const parsed = texts.flatMap((text) => {
      try {
        return [setting.parse(text)]
      } catch (error) {
        mistakes.push(`${given?.origin ?? flag}: ${error instanceof Error ? error.message : error}`)
        return []
      }
    })
    values[flag] = setting.isList ? Object.freeze(parsed) : parsed[0]
  }
  if (mistakes.length > 0) throw new ConfigurationError(mistakes)
  return Object.freeze(values) as ValuesOf<S>
}

function fromFlag(flag: string, value: string | readonly string[] | undefined): Given | undefined {
  return value === undefined ? undefined : { origin: `--${flag}`, texts: [value].flat() }
}

function fromEnvironment(
  flag: string,
  setting: Setting<unknown>,
  environment: Readonly<Record<string, string | undefined>>,
): Given | undefined {
  const origin = environmentName(flag)
  const text = environment[origin]
  // An empty variable is how shells and containers write "not set".
  if (text === undefined || text === '') return undefined
  return { origin, texts: setting.isList ? text.split(',').map((part) => part.trim()) : [text] }
}

function unknownVariables(
  environment: Readonly<Record<string, string | undefined>>,
  known: readonly string[],
): string[] {
  const names = new Set([...known, 'config'].map(environmentName))
  return Object.keys(environment)
    .filter((name) => name.startsWith('ADUANA_') && !names.has(name))
    .map((name) => `${name}: there is no such setting.`)
}

function readFile(
  { path, text }: { path: string; text: string },
  settings: Settings,
  mistakes: string[],
): Record<string, Given> {
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch (error) {
    mistakes.push(`${path}: not JSON: ${error instanceof Error ? error.message : error}`)
    return {}
  }
  if (typeof document !== 'object' || document === null || Array.isArray(document)) {
    mistakes.push(`${path}: must be one JSON object, such as {"http": "127.0.0.1:8480"}.`)
    return {}
  }
  const given: Record<string, Given> = {}
  for (const [flag, value] of Object.entries(document)) {
    const origin = `${path}: ${flag}`
    const setting = Object.hasOwn(settings, flag) ? settings[flag] : undefined
    const texts = [value].flat()
    if (setting === undefined) mistakes.push(`${origin}: there is no such setting.`)
    else if (Array.isArray(value) && !setting.isList) mistakes.push(`${origin}: must be a single value.`)
    else if (!texts.every((item) => typeof item === 'string' || typeof item === 'number')) {
      mistakes.push(`${origin}: must be a text or a number.`)
    } else given[flag] = { origin, texts: texts.map(String) }
  }
  return given
}
