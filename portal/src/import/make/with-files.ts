import { KNOWN_HANDLERS } from '../../../../src/domain/manifest/known-handlers.ts'
import type { PickedFile } from '../files/picked-file.ts'
import type { Draft } from './draft.ts'
import { guessHandler } from './guess-handler.ts'

/**
 * The form after files came: where there is only one step they are for it, and as long as it had none, its handler is the one that they look
 * made for.
 */
export function withFiles(draft: Draft, added: readonly Pick<PickedFile, 'key' | 'name' | 'aptManifest'>[]): Draft {
  const [step] = draft.steps
  if (added.length === 0 || step?.type !== 'inline' || draft.steps.length > 1) return draft
  const guessed = step.files.length === 0 && KNOWN_HANDLERS.has(step.handler) ? guessHandler(added) : undefined
  return {
    ...draft,
    steps: [{ ...step, handler: guessed ?? step.handler, files: [...step.files, ...added.map(({ key }) => key)] }],
  }
}
