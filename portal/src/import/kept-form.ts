import { createContext, useContext } from 'react'
import type { PickedFile, PickedManifest } from './files/picked-file.ts'
import type { Draft } from './make/draft.ts'
import type { Urls } from './manifests/judge-manifests.ts'
import type { Typed } from './urls/judge-typed.ts'

/** The three ways to name what is imported. */
export type Way = 'manifest' | 'make' | 'urls'

/** Everything that was chosen and entered for an import. Of files it has only the browser's handles. */
export interface ImportForm {
  way: Way
  manifests: readonly PickedManifest[]
  payload: readonly PickedFile[]
  /** Of files that are not here. */
  urls: Urls
  draft: Draft
  typed: Typed
}

/** The form of the last import that was asked for, so that one that fails need not be filled in anew. Gone with the page, and at sign-out. */
export interface KeptForm {
  keep(operationId: string, form: ImportForm): void
  /** Undefined for every other operation. */
  of(operationId: string): ImportForm | undefined
}

export function createKeptForm(): KeptForm {
  let kept: { operationId: string; form: ImportForm } | undefined
  return {
    keep(operationId, form) {
      kept = { operationId, form }
    },
    of: (operationId) => (kept?.operationId === operationId ? kept.form : undefined),
  }
}

export const KeptFormContext = createContext<KeptForm>(createKeptForm())

export function useKeptForm(): KeptForm {
  return useContext(KeptFormContext)
}
