import type { Argument, Command, Option } from 'commander'
import { ROLES } from '../../domain/permissions.ts'

/** What may stand at a place of a command line. */
export type Value = 'files' | 'folders' | { words: readonly string[] } | 'anything'

export interface CompletableOption {
  /** Such as `--json` and `-h`. */
  names: readonly string[]
  description: string
  /** Undefined where nothing follows it. */
  value: Value | undefined
  /** What follows it, for people. */
  placeholder: string
}

export interface CompletableCommand {
  name: string
  description: string
  options: readonly CompletableOption[]
  /** What may stand behind it, the last one again and again where it is a list; undefined where nothing may. */
  argument: { value: Value; placeholder: string } | undefined
}

/** What a shell has to know to complete command lines: the commands of a program and their flags, as they are defined. */
export function describeCommands(program: Command): CompletableCommand[] {
  const help = program.createHelp()
  return help.visibleCommands(program).map((command) => {
    const [argument] = command.registeredArguments
    return {
      name: command.name(),
      description: command.description(),
      options: help.visibleOptions(command).map(describeOption),
      argument: argument === undefined ? subcommandsOf(command) : describeArgument(argument, program),
    }
  })
}

function describeOption({ short, long, flags, description }: Option): CompletableOption {
  const placeholder = /<(.+)>/.exec(flags)?.[1]
  return {
    names: [long, short].filter((name) => name !== undefined && name !== null),
    description,
    value: placeholder === undefined ? undefined : valueAt(placeholder),
    placeholder: placeholder ?? '',
  }
}

function describeArgument(argument: Argument, program: Command): { value: Value; placeholder: string } {
  const placeholder = argument.name()
  const words = placeholder === 'COMMAND' ? program.commands.map((command) => command.name()) : argument.argChoices
  return { value: words === undefined ? valueAt(placeholder) : { words }, placeholder }
}

function subcommandsOf(command: Command): { value: Value; placeholder: string } | undefined {
  if (command.commands.length === 0) return undefined
  return { value: { words: command.commands.map((sub) => sub.name()) }, placeholder: 'COMMAND' }
}

function valueAt(placeholder: string): Value {
  switch (placeholder) {
    case 'DIR':
    case 'DIR-OR-URL':
      return 'folders'
    case 'FILE':
    case 'MANIFEST':
      return 'files'
    case 'STATUS':
      return { words: ['NotStarted', 'Running', 'Succeeded', 'Failed'] }
    case 'ROLE':
      return { words: ROLES.map(({ name }) => name.replaceAll(' ', '')) }
    default:
      return placeholder.includes('|') ? { words: placeholder.split('|') } : 'anything'
  }
}
