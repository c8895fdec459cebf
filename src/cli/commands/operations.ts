import type { Command } from 'commander'
import { CLIENT_SETTINGS } from '../../config/command-settings.ts'
import { collect, examples, flagsOf, withServer } from '../define.ts'
import type { ListOperationsOptions } from '../operations/list-operations.ts'
import { report } from '../report.ts'

/** The commands about what a server does in the background. */
export function addOperationCommands(program: Command): void {
  withServer(
    program
      .command('operations')
      .description('list what a server does and did: imports, deletions and checks, newest first')
      .option('--status <STATUS>', 'only NotStarted, Running, Succeeded or Failed (repeatable)', collect)
      .option('--top <N>', 'how many (default: 25)')
      .option('--json', 'print each operation as JSON, on a line of its own'),
  )
    .addHelpText(
      'after',
      examples(
        ['What goes on just now?', 'aduana operations --status NotStarted --status Running'],
        ['What went wrong?', 'aduana operations --status Failed'],
      ),
    )
    .action(async (options: ListOperationsOptions, command: Command) => {
      const { listOperations } = await import('../operations/list-operations.ts')
      await report(() => listOperations(flagsOf(command), options))
    })

  withServer(
    program
      .command('watch')
      .description('follow an import or a deletion to its end')
      .argument('<OPERATION>', 'id of the operation')
      .option('--json', 'print each state of it as JSON, on a line of its own'),
  )
    .addHelpText(
      'after',
      `${examples(['The id is what "aduana operations" lists first:', 'aduana watch 5f4dcc3b-5aa7-4d61-8d83-27deb882cf99'])}

Ends with 0 if the operation succeeds, 2 if it fails, 3 after Ctrl-C: the server goes on.`,
    )
    .action(async (operationId: string, options: { json?: true }, command: Command) => {
      const { watch } = await import('../operations/watch.ts')
      await report(async () => {
        process.exitCode = await watch(operationId, flagsOf(command), options)
      })
    })

  withServer(
    program
      .command('rescan')
      .description('let a running server scan for malware again what it has')
      .option('--all', 'scan everything, also what was scanned with the signatures in force')
      .option('--no-wait', 'only ask for it; the server goes on by itself in any case')
      .option('--json', 'print the outcome as JSON, a line for each instance'),
    CLIENT_SETTINGS,
  )
    .addHelpText('after', RESCAN_HELP)
    .action(async (options: { all?: true; wait: boolean; json?: true }, command: Command) => {
      const { rescan } = await import('../operations/rescan.ts')
      await report(async () => {
        process.exitCode = await rescan(flagsOf(command), options)
      })
    })
}

const RESCAN_HELP = `${examples(['With new signatures:', 'aduana rescan'], ['Everything, without waiting:', 'aduana rescan --all --no-wait'])}

Ends with 0 if everything is clean; 2 if something is infected; 3 if something could not be scanned; 1 if nothing could be asked for.
With --no-wait, 0 says that it was asked for.`
