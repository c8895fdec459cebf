import { ConfigurationError } from '../../config/read-settings.ts'
import { judgeChoices } from '../../domain/authoring/judge-choices.ts'
import { formatUpdateId } from '../../domain/update-id.ts'
import { withoutControls } from '../terminal/without-controls.ts'
import { completeSteps } from './complete-steps.ts'
import { draftChoices } from './draft-choices.ts'
import type { FlagGroup } from './flags.ts'
import { findFiles, hashFiles } from './measure-files.ts'
import { missingFlags } from './missing-flags.ts'
import { flagErrors, nameFlags } from './name-flags.ts'
import { readFlags } from './read-flags.ts'
import { refuseExisting, writeOutput } from './write-output.ts'

/**
 * `aduana init`: an import manifest from flags and files, and from answers where a person sits at a terminal and flags are
 * missing. Findings and notes go to standard error. Throws a `ConfigurationError` with every mistake, told by the flags.
 */
export async function makeManifest(groups: readonly FlagGroup[], { force }: { force: boolean }): Promise<void> {
  const { draft, mistakes } = readFlags(groups)
  refuseExisting(draft.output, { force })
  let mayReplace = force
  const isAtTerminal = process.stdin.isTTY && process.stderr.isTTY
  if (missingFlags(draft).length > 0 && mistakes.length === 0 && isAtTerminal) {
    const { askForMissing } = await import('./ask-for-missing.ts')
    mayReplace = (await askForMissing(draft)).mayReplace || force
  }
  const missing = new Set(missingFlags(draft).map(({ flag }) => flag))
  if (missing.size > 0) {
    const hint = isAtTerminal ? '' : ' On a terminal, aduana init asks for them.'
    mistakes.unshift(`These flags are missing: ${[...missing].join(', ')}.${hint}`)
  }
  const { found, mistakes: absent } = await findFiles(draft)
  const notes = await completeSteps(draft, found)
  const createdDateTime = `${new Date().toISOString().slice(0, 19)}Z`
  // Everything but the hashes is judged first, since reading the files may take long.
  judge({ files: found, earlier: [...mistakes, ...absent] })
  const { text, manifest, warnings, fileDrafts } = judge({ files: await hashFiles(found) })

  function judge({ files, earlier = [] }: { files: typeof found; earlier?: string[] }) {
    const { choices, fileDrafts, mistakes } = draftChoices(draft, { files, createdDateTime })
    const judgement = judgeChoices(choices)
    const all = [...earlier, ...mistakes, ...flagErrors(judgement, { draft, fileDrafts })]
    if (all.length > 0) throw new ConfigurationError(all.map(withoutControls))
    return { ...judgement, fileDrafts }
  }

  for (const note of notes) tell(note)
  for (const { place, message } of warnings) tell(`warning: ${nameFlags(place, { draft, fileDrafts })}: ${message}`)
  if (draft.output === undefined) {
    process.stdout.write(text)
    return
  }
  writeOutput(draft.output, text, { force: mayReplace })
  tell(`wrote ${draft.output}: ${formatUpdateId(manifest!.updateId)} (manifest ${draft.manifestVersion})`)
}

function tell(line: string): void {
  console.error(`aduana: ${withoutControls(line)}`)
}
