import type { Command } from 'commander'
import { collect, examples, flagsOf, withServer } from '../define.ts'
import type { ImportOptions } from '../import/import.ts'
import { report } from '../report.ts'

/** The command that publishes. */
export function addImportCommand(program: Command): void {
  withServer(
    program
      .command('import')
      .description('import updates: check their files, upload them, and wait until the server has them')
      .argument('<MANIFEST...>', 'import manifests, as paths or URLs, or folders with *.importmanifest.json')
      .option(
        '--file <NAME=PATH-OR-URL>',
        'where a file is that is not beside its manifest (repeatable); the server fetches URLs itself',
        collect,
      )
      .option('--friendly-name <TEXT>', 'name for people')
      .option('--dry-run', 'only say what an import would say; what was uploaded for it serves the import later')
      .option('--deep', 'with --dry-run: let the server read every byte, as an import does')
      .option('--no-wait', 'do not wait until the server has imported it')
      .option('--json', 'print the operation as JSON in the end'),
  )
    .addHelpText('after', HELP)
    .action(async (places: string[], options: ImportOptions, command: Command) => {
      const { importUpdates } = await import('../import/import.ts')
      await report(async () => {
        process.exitCode = await importUpdates(places, flagsOf(command), options)
      })
    })
}

const HELP = `${examples(
  ['The files lie beside the manifest:', 'aduana import toaster.importmanifest.json'],
  ['A parent and its children, all in one folder:', 'aduana import build/'],
  [
    'A file that lies elsewhere:',
    'aduana import toaster.importmanifest.json --file toaster.swu=https://builds.example.com/toaster.swu',
  ],
  ['Would it work?', 'aduana import toaster.importmanifest.json --dry-run'],
)}

Local files are compared with their manifest before anything is sent. After Ctrl-C the same command goes on where it was.
Ends with 0 if the import succeeds; 1 if nothing was asked for, such as for a file with a wrong hash; 2 if the server could not import it;
3 after Ctrl-C: what the server has accepted goes on there.`
