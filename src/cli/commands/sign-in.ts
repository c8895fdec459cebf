import type { Command } from 'commander'
import { LINK_SETTINGS, ONE_INSTANCE_SETTINGS, TOKEN_SETTINGS } from '../../config/command-settings.ts'
import { examples, flagsOf, withServer, withSettings } from '../define.ts'
import { report } from '../report.ts'

const { server, instance, ca } = ONE_INSTANCE_SETTINGS

/** The commands that say to a server who calls. */
export function addSignInCommands(program: Command): void {
  withServer(
    program
      .command('login')
      .description('sign in at the issuer of a server, by a code that you enter in a browser on any machine')
      .option('--issuer <URL>', 'OIDC issuer (default: what the server says)')
      .option('--client-id <ID>', 'public client of the issuer (default: what the server says)')
      .option('--scope <SCOPES>', 'what to ask the issuer for (default: what the server says)')
      .option('--json', 'print the code, and then who is signed in, as JSON on lines of their own'),
    { server, instance, ca },
  )
    .addHelpText(
      'after',
      `${examples(['Once for each server:', 'aduana login --server https://updates.example.com'])}

Other commands take the token in ADUANA_TOKEN if there is one, else that of the login at their server, else, on the machine of the server,
one that they make themselves with the key in --data.`,
    )
    .action(async (options: { issuer?: string; clientId?: string; scope?: string; json?: true }, command: Command) => {
      const { login } = await import('../login/login.ts')
      await report(() => login(flagsOf(command), options))
    })

  withServer(
    program.command('logout').description('forget the login at a server').option('--json', 'print the outcome as JSON'),
    { server },
  )
    .addHelpText('after', examples(['On a machine of others:', 'aduana logout --server https://updates.example.com']))
    .action(async (options: { json?: true }, command: Command) => {
      const { logout } = await import('../login/login.ts')
      await report(() => logout(flagsOf(command), options))
    })

  withSettings(
    program.command('token').description('print a bearer token of the local issuer, and nothing else'),
    TOKEN_SETTINGS,
  )
    .addHelpText(
      'after',
      examples([
        'For curl, on the machine of the server:',
        'aduana token --data /var/lib/aduana --role "Device Update Reader"',
      ]),
    )
    .action(async (_options, command: Command) => {
      const { printToken } = await import('../token.ts')
      await report(() => printToken(flagsOf(command)))
    })

  withSettings(
    program.command('link').description('print a link that opens the portal signed in, once and within ten minutes'),
    LINK_SETTINGS,
  )
    .addHelpText('after', examples(['On the machine of the server:', 'aduana link --data /var/lib/aduana']))
    .action(async (_options, command: Command) => {
      const { printLink } = await import('../link.ts')
      await report(() => printLink(flagsOf(command)))
    })
}
