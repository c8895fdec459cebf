import type { FolderUpkeep } from '../../ports/upkeep.ts'
import type { Step } from './step.ts'

/** Whether the data folder is Aduana's, can be used, and keeps its secrets. */
export function checkFolder(folder: FolderUpkeep, { isRepair }: { isRepair: boolean }): Step {
  return {
    name: 'data-folder',
    title: 'Data folder',
    needs: [],
    async run(pen) {
      for (const flaw of await folder.flaws()) pen.problem(flaw)
      for (const exposed of await folder.exposed()) {
        const { path, mode, modeMax } = exposed
        const allowed = octal(mode & modeMax)
        if (isRepair) {
          await folder.protect(exposed)
          pen.mended(`${path} had the rights ${octal(mode)}; they are ${allowed} now.`, path)
        } else {
          pen.problem(
            `Too many users have rights to ${path} (${octal(mode)}): "chmod ${allowed} ${path}". ` +
              'If it is a key and somebody else may have read it, replace it.',
            path,
          )
        }
      }
      return 'Its marks, rights and keys were looked at.'
    },
  }
}

/** Says that there is none, which is no mistake where nodes share everything else. */
export function checkNoFolder(path: string): Step {
  return {
    name: 'data-folder',
    title: 'Data folder',
    needs: [],
    async run() {
      return `There is no node in ${path}, so only what nodes share was looked at. Name a node's with --data.`
    },
  }
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0')
}
