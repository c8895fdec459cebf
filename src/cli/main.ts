import { Command } from 'commander'
import {
  BACKUP_SETTINGS,
  CLIENT_SETTINGS,
  DOCTOR_SETTINGS,
  LINK_SETTINGS,
  MOVE_DATABASE_SETTINGS,
  MOVE_STORE_SETTINGS,
  TOKEN_SETTINGS,
} from '../config/command-settings.ts'
import { environmentName, type Settings } from '../config/read-settings.ts'
import { SERVE_SETTINGS } from '../config/serve-settings.ts'
import { VERSION } from '../version.ts'
import { addInit } from './init.ts'
import { report } from './report.ts'

/** Runs the command line. Sets the exit code; the process ends when nothing is left to do. */
export async function main(argv: readonly string[]): Promise<void> {
  const program = new Command('aduana')
    .description('Import service for device updates, compatible with Azure Device Update for IoT Hub')
    .version(VERSION)
    // After the name of a command, --version is a flag of that command.
    .enablePositionalOptions()
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

  withSettings(
    program
      .command('link')
      .description('print a link that opens the page of the API signed in, once and within ten minutes'),
    LINK_SETTINGS,
  ).action(async (_options, command: Command) => {
    const { printLink } = await import('./link.ts')
    await report(() => printLink(flagsOf(command)))
  })

  addInit(program)

  program
    .command('check')
    .description('judge import manifests offline: valid, or every mistake with its place')
    .argument('<MANIFEST...>', 'import manifest files; APT manifests too')
    .option('--manifest-only', 'do not compare the files that lie beside a manifest with what it says of them')
    .action(async (paths: string[], options: { manifestOnly?: true }) => {
      const { checkManifests } = await import('./check.ts')
      await report(async () => {
        process.exitCode = await checkManifests({ paths, ...options })
      })
    })

  withSettings(
    program
      .command('doctor')
      .description('examine a data folder, or what nodes share, with servers running or not; 0 only if all is well'),
    DOCTOR_SETTINGS,
  )
    .option('--deep', 'hash every byte of every blob')
    .option('--repair', 'mend what can be mended; the server of a data folder must not run, nodes may')
    .option('--json', 'print the report as one JSON object')
    .action(async (options: { deep?: true; repair?: true; json?: true }, command: Command) => {
      const { doctor } = await import('./doctor.ts')
      await report(async () => {
        process.exitCode = await doctor(flagsOf(command), options)
      })
    })

  withSettings(
    program.command('backup').description('copy a data folder, with the server running or not'),
    BACKUP_SETTINGS,
  )
    .requiredOption('--to <DIR>', 'folder of the backup; one that has an earlier backup takes only what is new')
    .option('--verify', 'read and check also the copies that are there already')
    .option('--without-keys', 'leave out the keys of the server')
    .option('--json', 'print the report as one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  aduana backup --data /var/lib/aduana --to /mnt/backup/aduana
  aduana backup --data /var/lib/aduana --to /mnt/backup/aduana --verify --json`,
    )
    .action(async (options: { to: string; verify?: true; withoutKeys?: true; json?: true }, command: Command) => {
      const { backUp } = await import('./backup.ts')
      await report(() => backUp(flagsOf(command), options))
    })

  withSettings(
    program.command('restore').description('fill an empty data folder from a backup, checking every byte'),
    BACKUP_SETTINGS,
  )
    .requiredOption('--from <DIR>', 'folder of the backup')
    .addHelpText(
      'after',
      `
Example:
  aduana restore --from /mnt/backup/aduana --data /var/lib/aduana`,
    )
    .action(async (options: { from: string }, command: Command) => {
      const { restore } = await import('./restore.ts')
      await report(() => restore(flagsOf(command), options))
    })

  withSettings(
    program
      .command('move-store')
      .description('copy the bytes of all updates from one store to another, with servers running or not'),
    MOVE_STORE_SETTINGS,
  )
    .option('--verify', 'read and check also what the new store has already')
    .option('--json', 'print the report as one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  aduana move-store --data /var/lib/aduana --to azblob://firmware
  aduana move-store --database postgres://aduana@db/aduana --from /mnt/old --to s3://firmware --verify`,
    )
    .action(async (options: { verify?: true; json?: true }, command: Command) => {
      const { moveStore } = await import('./move.ts')
      await report(() => moveStore(flagsOf(command), options))
    })

  withSettings(
    program
      .command('move-database')
      .description('copy the catalogue of a data folder into an empty PostgreSQL; the server must not run'),
    MOVE_DATABASE_SETTINGS,
  )
    .option('--json', 'print the report as one JSON object')
    .addHelpText(
      'after',
      `
Example:
  aduana move-database --data /var/lib/aduana --database postgres://aduana@db/aduana`,
    )
    .action(async (options: { json?: true }, command: Command) => {
      const { moveCatalogue } = await import('./move.ts')
      await report(() => moveCatalogue(flagsOf(command), options))
    })

  withSettings(
    program.command('rescan').description('let a running server scan for malware again what it has'),
    CLIENT_SETTINGS,
  )
    .option('--all', 'scan everything, also what was scanned with the signatures in force')
    .option('--no-wait', 'only ask for it; the server goes on by itself in any case')
    .option('--json', 'print the outcome as JSON, a line for each instance')
    .addHelpText('after', RESCAN_HELP)
    .action(async (options: { all?: true; wait: boolean; json?: true }, command: Command) => {
      const { rescan } = await import('./rescan.ts')
      await report(async () => {
        process.exitCode = await rescan(flagsOf(command), options)
      })
    })

  await program.parseAsync(argv)
}

const RESCAN_HELP = `
The token is that of ADUANA_TOKEN, or one of the local issuer in --data.
Ends with 0 if everything is clean; 2 if something is infected; 3 if something could not be scanned; 1 if nothing could be asked for.
With --no-wait, 0 says that it was asked for.`

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
