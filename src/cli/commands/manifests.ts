import type { Command } from 'commander'
import { examples } from '../define.ts'
import { report } from '../report.ts'

/** The commands about import manifests that need no server. */
export function addManifestCommands(program: Command): void {
  program
    .command('check')
    .description('judge import manifests offline: valid, or every mistake with its place')
    .argument('<MANIFEST...>', 'import manifest files; APT manifests too')
    .option('--manifest-only', 'do not compare the files that lie beside a manifest with what it says of them')
    .addHelpText('after', examples(['Before a commit:', 'aduana check toaster.importmanifest.json']))
    .action(async (paths: string[], options: { manifestOnly?: true }) => {
      const { checkManifests } = await import('../check.ts')
      await report(async () => {
        process.exitCode = await checkManifests({ paths, ...options })
      })
    })
}
