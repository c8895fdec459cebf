import { type Command, Option } from 'commander'
import { INIT_FLAGS, type InitFlag } from '../init/flags.ts'
import { report } from '../report.ts'

/** Adds `aduana init` and what belongs to it. `program` must have positional options, since `--version` is the update's here. */
export function addInit(program: Command): void {
  const init = program
    .command('init')
    .description('make an import manifest from files; on a terminal, asks for what the flags leave open')
    .enablePositionalOptions()
  for (const [flag, { placeholder, description, alias }] of Object.entries<InitFlag>(INIT_FLAGS)) {
    init.option(`--${flag} <${placeholder}>`, description)
    if (alias !== undefined) init.addOption(new Option(`--${alias} <${placeholder}>`).hideHelp())
  }
  init
    .option('--force', 'replace the output if it is there')
    .addHelpText('after', INIT_HELP)
    .action(async ({ force = false }: { force?: boolean }, command: Command) => {
      const [{ groupFlags }, { makeManifest }] = await Promise.all([
        import('../init/group-flags.ts'),
        import('../init/make-manifest.ts'),
      ])
      // The order of the flags means something, and only the words as they were typed have it.
      const typed = command.parent?.args.slice(1) ?? []
      await report(() => makeManifest(groupFlags(typed), { force }))
    })

  init
    .command('handlers')
    .description('what each handler of the reference agent does and needs')
    .argument('[HANDLER]', 'only this one, such as microsoft/script:1')
    .action(async (handler: string | undefined) => {
      const { printHandlers } = await import('../init/print-handlers.ts')
      await report(async () => printHandlers(handler))
    })

  init
    .command('apt')
    .description('make an APT manifest, the file of a step of microsoft/apt:1')
    .option('--name <TEXT>', 'name of the set of packages')
    .option('--version <TEXT>', 'its version')
    .option(
      '--package <PACKAGE...>',
      'install it: NAME in the newest version, or NAME=VERSION; NAME- removes it; in this order',
    )
    .option('--agent-restart-required', 'restart the agent of the device afterwards')
    .option('--output <FILE>', 'write it there (default: standard output)')
    .option('--force', 'replace the output if it is there')
    .addHelpText('after', APT_HELP)
    .action(async (options) => {
      const { makeAptManifest } = await import('../init/make-apt-manifest.ts')
      await report(() => makeAptManifest(options))
    })
}

const INIT_HELP = `
Every file belongs to the nearest --step before it, every related file to the nearest --file before it. Findings and notes go to
standard error; ends with 0 if the manifest is valid, warnings or not, and with 1 otherwise, and then nothing is written.

Examples:
  aduana init --provider Contoso --name Toaster --version 1.0 --compat manufacturer=Contoso model=Toaster \\
    --handler microsoft/script:1 --property scriptFileName=install.sh --file install.sh --file image.bin \\
    --output contoso.toaster.1.0.importmanifest.json
  aduana init --provider Contoso --name Toaster --version 2.0 --compat manufacturer=Contoso model=Toaster \\
    --step handler=microsoft/apt:1 description=Libraries --file apt-manifest.json \\
    --step handler=microsoft/swupdate:1 'properties={"installedCriteria":"2.0"}' \\
    --file path=image-2.0.swu downloadHandler=microsoft/delta:1 --related-file path=image-1.0-to-2.0.diff
  aduana init --provider Contoso --name Kitchen --version 1.0 --compat manufacturer=Contoso model=Kitchen \\
    --step updateId.provider=Contoso updateId.name=Toaster updateId.version=2.0`

const APT_HELP = `
Example:
  aduana init apt --name contoso-base-data --version 1.1 --package tzdata ca-certificates fonts-dejavu-core=2.37-6 \\
    --output base-data-1.1-apt-manifest.json`
