import { createContext, useContext } from 'react'
import type { UpdateChoices } from '../../../../src/domain/authoring/choices.ts'
import type { Place } from '../../../../src/domain/authoring/place-of.ts'
import type { PickedFile } from '../files/picked-file.ts'
import type { Draft } from './draft.ts'

/** The form in which a manifest is made. */
export interface Making {
  draft: Draft
  change(next: (draft: Draft) => Draft): void
  /** What the form amounts to, with what was filled in. */
  choices: UpdateChoices
  files: readonly PickedFile[]
  /**
   * Properties of a `Field` that tell what is wrong with a choice. What is empty is not told of before the visitor believes to be done, unless
   * it is none of the fields that are empty at first.
   */
  tell(
    place: Place,
    options?: { isEmpty?: boolean; alsoInside?: boolean },
  ): { validationMessage?: string; validationState?: 'error' | 'warning' }
}

export const MakingContext = createContext<Making | undefined>(undefined)

export function useMaking(): Making {
  const making = useContext(MakingContext)
  if (making === undefined) throw new Error('There is no form around this component.')
  return making
}
