import type { Command } from 'commander'
import { ONE_INSTANCE_SETTINGS } from '../config/command-settings.ts'
import { environmentName, type Settings } from '../config/read-settings.ts'

/** Gives a command its flags, from the same table that the environment and the file are read by. */
export function withSettings(command: Command, settings: Settings): Command {
  for (const [flag, setting] of Object.entries(settings)) {
    const description = `${setting.description} [${environmentName(flag)}]`
    const definition = `--${flag} <${setting.placeholder}>`
    if (setting.isList) {
      command.option(definition, description, collect)
    } else {
      // The default is for the help only: a flag that was not given must not win over the environment.
      command.option(
        definition,
        setting.default === undefined ? description : `${description} (default: ${setting.default})`,
      )
    }
  }
  return command
}

/** Gives a command that is a client the flags that say of which server, below its own. */
export function withServer(command: Command, settings: Settings = ONE_INSTANCE_SETTINGS): Command {
  return withSettings(command.optionsGroup('Which server:'), settings)
}

/** Every value of a flag that may stand several times. */
export function collect(value: string, all: string[] = []): string[] {
  return [...all, value]
}

/** The flags that were given, by their names as they are written. */
export function flagsOf(command: Command): Record<string, string | string[] | undefined> {
  return Object.fromEntries(
    command.options.map((option) => [
      option.long?.replace(/^--/, '') ?? '',
      command.getOptionValue(option.attributeName()),
    ]),
  )
}

/** What stands below the flags in the help: command lines to copy, each with a word about it above. */
export function examples(...lines: [words: string, commandLine: string][]): string {
  return `\nExamples:\n${lines.map(([words, commandLine]) => `  ${words}\n    $ ${commandLine}`).join('\n')}`
}
