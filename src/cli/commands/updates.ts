import type { Command } from 'commander'
import { examples, flagsOf, withServer } from '../define.ts'
import { report } from '../report.ts'
import type { DeleteOptions } from '../updates/delete.ts'
import type { DownloadOptions } from '../updates/download.ts'
import type { ListOptions } from '../updates/list.ts'

const UPDATE = 'an update, as PROVIDER/NAME/VERSION'

/** The commands about updates that a server has. */
export function addUpdateCommands(program: Command): void {
  withServer(
    program
      .command('list')
      .description('list the updates that a server has')
      .argument('[SEARCH]', 'words to search for in names, versions and descriptions')
      .option('--provider <PROVIDER>', 'only what this provider made')
      .option('--name <NAME>', 'only the versions of this name of the provider')
      .option('--json', 'print each update as JSON, on a line of its own'),
  )
    .addHelpText(
      'after',
      examples(
        ['All of them:', 'aduana list'],
        ['The versions of one:', 'aduana list --provider Contoso --name Toaster'],
        ['For a script:', 'aduana list toaster --json | jq -r .updateId.version'],
      ),
    )
    .action(async (search: string | undefined, options: ListOptions, command: Command) => {
      const { list } = await import('../updates/list.ts')
      await report(() => list(search, flagsOf(command), options))
    })

  withServer(
    program
      .command('show')
      .description('show one update')
      .argument('<UPDATE>', UPDATE)
      .option('--json', 'print it as JSON, with its files and their addresses'),
  )
    .addHelpText('after', examples(['What is in it, and for which devices?', 'aduana show Contoso/Toaster/1.0']))
    .action(async (update: string, options: { json?: true }, command: Command) => {
      const { show } = await import('../updates/show.ts')
      await report(() => show(update, flagsOf(command), options))
    })

  withServer(
    program
      .command('files')
      .description('list the files of an update')
      .argument('<UPDATE>', UPDATE)
      .option('--json', 'print each file as JSON, on a line of its own'),
  )
    .addHelpText(
      'after',
      examples(
        ['With sizes and hashes:', 'aduana files Contoso/Toaster/1.0'],
        ['Where devices get them:', 'aduana files Contoso/Toaster/1.0 --json | jq -r .contentUrl'],
      ),
    )
    .action(async (update: string, options: { json?: true }, command: Command) => {
      const { files } = await import('../updates/files.ts')
      await report(() => files(update, flagsOf(command), options))
    })

  withServer(
    program
      .command('download')
      .description('download files of an update; what is kept has the right size and SHA-256')
      .argument('<UPDATE>', UPDATE)
      .argument('[FILE...]', 'names of files (default: all)')
      .option('--to <DIR>', 'folder to put them into; it is made if it is not there', '.')
      .option('--force', 'replace files that are there already and are something else')
      .option('--json', 'print each file as JSON, on a line of its own'),
  )
    .addHelpText(
      'after',
      examples(
        ['Everything:', 'aduana download Contoso/Toaster/1.0 --to toaster'],
        ['One file:', 'aduana download Contoso/Toaster/1.0 toaster.swu'],
      ),
    )
    .action(async (update: string, names: string[], options: DownloadOptions, command: Command) => {
      const { download } = await import('../updates/download.ts')
      await report(() => download(update, names, flagsOf(command), options))
    })

  withServer(
    program
      .command('delete')
      .description('delete updates, and those parts of them that no other update needs')
      .argument('<UPDATE...>', 'updates, as PROVIDER/NAME/VERSION')
      .option('--yes', 'do not ask')
      .option('--no-wait', 'only ask for it; the server goes on by itself in any case')
      .option('--json', 'print each operation as JSON, on a line of its own'),
  )
    .addHelpText(
      'after',
      examples(
        ['Shows what goes, and asks:', 'aduana delete Contoso/Toaster/1.0'],
        ['In a script:', 'aduana delete Contoso/Toaster/1.0 Contoso/Toaster/1.1 --yes'],
      ),
    )
    .action(async (updates: string[], options: DeleteOptions, command: Command) => {
      const { deleteUpdates } = await import('../updates/delete.ts')
      await report(async () => {
        process.exitCode = await deleteUpdates(updates, flagsOf(command), options)
      })
    })
}
