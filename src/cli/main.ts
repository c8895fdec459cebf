import { Command } from 'commander'
import { SERVE_SETTINGS, TOKEN_SETTINGS } from '../config.ts'
import { environmentName, type Settings } from '../read-settings.ts'
import { VERSION } from '../version.ts'
import { report } from './report.ts'

/** Runs the command line. Sets the exit code; the process ends when nothing is left to do. */
export async function main(argv: readonly string[]): Promise<void> {
  const program = new Command('aduana')
    .description('Import service for device updates, compatible with Azure Device Update for IoT Hub')
    .version(VERSION)
    .showHelpAfterError('(aduana --help shows what there is)')

  withSettings(program.command('serve').description('run the service'), SERVE_SETTINGS)
    .option(
      '--config <FILE>',
      `settings as a JSON object, by their flags without dashes [${environmentName('config')}]`,
    )
    .action(async (_options, command: Command) => {
      const { serve } = await import('./serve.ts')
      await report(() => serve(flagsOf(command)))
    })

  withSettings(
    program.command('token').description('print a bearer token of the local issuer, and nothing else'),
    TOKEN_SETTINGS,
  ).action(async (_options, command: Command) => {
    const { printToken } = await import('./token.ts')
    await report(() => printToken(flagsOf(command)))
  })

  program
    .command('check')
    .description('judge import manifests offline: valid, or every mistake with its place')
    .argument('<MANIFEST...>', 'import manifest files')
    .action(async (paths: string[]) => {
      const { checkManifests } = await import('./check.ts')
      await report(async () => {
        process.exitCode = await checkManifests({ paths })
      })
    })

  await program.parseAsync(argv)
}

/** Gives a command its flags, from the same table that the environment and the file are read by. */
function withSettings(command: Command, settings: Settings): Command {
  for (const [flag, setting] of Object.entries(settings)) {
    const description = `${setting.description} [${environmentName(flag)}]`
    const definition = `--${flag} <${setting.placeholder}>`
    if (setting.isList) {
      command.option(definition, description, (value: string, all: string[] = []) => [...all, value])
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

/** The flags that were given, by their names as they are written. */
export function flagsOf(command: Command): Record<string, string | string[] | undefined> {
  return Object.fromEntries(
    command.options.map((option) => [
      option.long?.replace(/^--/, '') ?? '',
      command.getOptionValue(option.attributeName()),
    ]),
  )
}
