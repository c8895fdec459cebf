import { Argument, type Command } from 'commander'
import { examples } from '../define.ts'
import { report } from '../report.ts'

/** The command that makes shells complete the others. */
export function addCompletionCommand(program: Command): void {
  program
    .command('completion')
    .description('print a script that makes a shell complete commands and flags')
    .addArgument(new Argument('<SHELL>', 'which shell').choices(['bash', 'zsh', 'fish']))
    .addHelpText(
      'after',
      examples(
        ['In ~/.bashrc, with "source" before it:', 'aduana completion bash'],
        ['In ~/.zshrc, below compinit:', 'aduana completion zsh'],
        ['Into ~/.config/fish/completions/aduana.fish:', 'aduana completion fish'],
      ),
    )
    .action(async (shell: 'bash' | 'zsh' | 'fish') => {
      const { describeCommands } = await import('../completion/describe-commands.ts')
      const scripts = {
        bash: async () => (await import('../completion/bash.ts')).bashCompletion,
        zsh: async () => (await import('../completion/zsh.ts')).zshCompletion,
        fish: async () => (await import('../completion/fish.ts')).fishCompletion,
      }
      await report(async () => {
        const script = await scripts[shell]()
        process.stdout.write(script(describeCommands(program)))
      })
    })
}
