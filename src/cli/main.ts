import { Command } from 'commander'
import { VERSION } from '../version.ts'
import { addCompletionCommand } from './commands/completion.ts'
import { addImportCommand } from './commands/import.ts'
import { addInit } from './commands/init.ts'
import { addManifestCommands } from './commands/manifests.ts'
import { addOperationCommands } from './commands/operations.ts'
import { addServerCommands } from './commands/server.ts'
import { addSignInCommands } from './commands/sign-in.ts'
import { addUpdateCommands } from './commands/updates.ts'
import { quietWhenNobodyReads } from './report.ts'

/** The commands in the order of the help. What a command does is loaded when it runs, so that the help comes at once. */
export function createProgram(): Command {
  const program = new Command('aduana')
    .description('Import service for device updates, compatible with Azure Device Update for IoT Hub')
    .version(VERSION)
    // After the name of a command, --version is a flag of that command.
    .enablePositionalOptions()
    .showHelpAfterError('(aduana --help shows what there is)')
    .configureHelp({ subcommandTerm: (command) => command.name() })
    .helpCommand('help [COMMAND]', 'say how to use a command')

  program.commandsGroup('Publish:')
  addInit(program)
  addManifestCommands(program)
  addImportCommand(program)

  program.commandsGroup('Look at a server, and tidy up:')
  addUpdateCommands(program)
  addOperationCommands(program)

  program.commandsGroup('Sign in:')
  addSignInCommands(program)

  program.commandsGroup('Run a server:')
  addServerCommands(program)

  program.commandsGroup('Shell:')
  addCompletionCommand(program)
  return program
}

/** Runs the command line. Sets the exit code; the process ends when nothing is left to do. */
export async function main(argv: readonly string[]): Promise<void> {
  quietWhenNobodyReads()
  await createProgram().parseAsync(argv)
}
