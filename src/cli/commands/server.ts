import type { Command } from 'commander'
import {
  BACKUP_SETTINGS,
  DOCTOR_SETTINGS,
  MOVE_DATABASE_SETTINGS,
  MOVE_STORE_SETTINGS,
} from '../../config/command-settings.ts'
import { environmentName } from '../../config/read-settings.ts'
import { SERVE_SETTINGS } from '../../config/serve-settings.ts'
import { examples, flagsOf, withSettings } from '../define.ts'
import { report } from '../report.ts'

/** The commands of whoever runs a server: it, and what keeps its data well. */
export function addServerCommands(program: Command): void {
  withSettings(program.command('serve').description('run the service'), SERVE_SETTINGS)
    .option(
      '--config <FILE>',
      `settings as a JSON object, by their flags without dashes [${environmentName('config')}]`,
    )
    .addHelpText(
      'after',
      examples(
        ['To try it out, with everything in ./data:', 'aduana serve'],
        [
          'For a network:',
          'aduana serve --data /var/lib/aduana --https 0.0.0.0:8443 --public-url https://updates.example.com',
        ],
      ),
    )
    .action(async (_options, command: Command) => {
      const { serve } = await import('../serve.ts')
      await report(() => serve(flagsOf(command)))
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
    .addHelpText(
      'after',
      examples(
        ['Is everything well?', 'aduana doctor --data /var/lib/aduana'],
        ['To the last byte, for a script:', 'aduana doctor --data /var/lib/aduana --deep --json'],
      ),
    )
    .action(async (options: { deep?: true; repair?: true; json?: true }, command: Command) => {
      const { doctor } = await import('../doctor.ts')
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
      examples(
        ['Every night:', 'aduana backup --data /var/lib/aduana --to /mnt/backup/aduana'],
        ['Now and then:', 'aduana backup --data /var/lib/aduana --to /mnt/backup/aduana --verify --json'],
      ),
    )
    .action(async (options: { to: string; verify?: true; withoutKeys?: true; json?: true }, command: Command) => {
      const { backUp } = await import('../backup.ts')
      await report(() => backUp(flagsOf(command), options))
    })

  withSettings(
    program.command('restore').description('fill an empty data folder from a backup, checking every byte'),
    BACKUP_SETTINGS,
  )
    .requiredOption('--from <DIR>', 'folder of the backup')
    .addHelpText(
      'after',
      examples(['On a new machine:', 'aduana restore --from /mnt/backup/aduana --data /var/lib/aduana']),
    )
    .action(async (options: { from: string }, command: Command) => {
      const { restore } = await import('../restore.ts')
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
      examples(
        ['From the data folder to Azure:', 'aduana move-store --data /var/lib/aduana --to azblob://firmware'],
        [
          'Between stores that nodes share:',
          'aduana move-store --database postgres://aduana@db/aduana --from /mnt/old --to s3://firmware --verify',
        ],
      ),
    )
    .action(async (options: { verify?: true; json?: true }, command: Command) => {
      const { moveStore } = await import('../move.ts')
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
      examples([
        'From one machine to several:',
        'aduana move-database --data /var/lib/aduana --database postgres://aduana@db/aduana',
      ]),
    )
    .action(async (options: { json?: true }, command: Command) => {
      const { moveCatalogue } = await import('../move.ts')
      await report(() => moveCatalogue(flagsOf(command), options))
    })
}
