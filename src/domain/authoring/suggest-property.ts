import { KNOWN_HANDLERS } from '../manifest/known-handlers.ts'
import type { AuthoredVersion, InlineStepChoice, Property } from './choices.ts'

interface Context {
  /** The version of the update. */
  version: string
  /** What the only file of a step of `microsoft/apt:1` says, where it could be read. */
  aptManifest?: { name: string; version: string } | undefined
}

/** The step with every property that it needs, was not given, and follows from the rest; and which these are. */
export function addNeededProperties(
  step: InlineStepChoice,
  { manifestVersion, ...context }: Context & { manifestVersion: AuthoredVersion },
): { step: InlineStepChoice; added: Property[] } {
  const given = step.handlerProperties ?? []
  const added = neededBy(step.handler, manifestVersion)
    // One in other letter case is a slip that the judgement tells.
    .filter((name) => !given.some((one) => one.name.toLowerCase() === name.toLowerCase()))
    .flatMap((name) => {
      const value = suggestProperty(name, { ...context, step })
      return value === undefined ? [] : { name, value }
    })
  return { step: added.length === 0 ? step : { ...step, handlerProperties: [...given, ...added] }, added }
}

function neededBy(handler: string, manifestVersion: AuthoredVersion): string[] {
  // The only one that 2.0 has a place for, and there every handler has it.
  if (manifestVersion === '2.0') return ['installedCriteria']
  const { properties = [] } = KNOWN_HANDLERS.get(handler) ?? {}
  return properties.filter(({ isRequired }) => isRequired).map(({ name }) => name)
}

/**
 * What a handler property probably is; undefined where nothing is probable. `installedCriteria` is the version of the update:
 * the same text in every release, such as the constant "1.0" that the Azure CLI writes, would make every later one look
 * installed.
 */
export function suggestProperty(
  name: string,
  { version, aptManifest, step }: Context & { step: Pick<InlineStepChoice, 'handler' | 'files'> },
): string | undefined {
  switch (name) {
    case 'installedCriteria':
      return aptManifest ? `${aptManifest.name}-${aptManifest.version}` : version
    case 'swuFileName':
      return onlyOf(step.files.filter((file) => /\.swu$/i.test(file)))
    case 'scriptFileName':
      return onlyOf(step.files.filter((file) => /\.(sh|py|ps1)$/i.test(file))) ?? onlyOf(step.files)
    default:
      return undefined
  }
}

function onlyOf(names: readonly string[]): string | undefined {
  return names.length === 1 ? names[0] : undefined
}
