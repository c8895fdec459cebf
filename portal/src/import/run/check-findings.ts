import type { OperationError } from '../../../../src/client/api-types.ts'
import type { RunState } from './use-run.ts'

/** What the last check found in the way of the import; nothing where there was none, or it found nothing. */
export function checkFindings(state: RunState): OperationError[] {
  if (state.kind !== 'checked' || state.operation.error === undefined) return []
  return state.operation.error.details ?? [state.operation.error]
}

/** What it found about a file, or about the manifest where no name is given: in sentences, one after another. */
export function foundAbout(findings: readonly OperationError[], fileName: string): string | undefined {
  const found = findings.filter(({ target = '' }) => target === fileName)
  return found.length === 0 ? undefined : found.map(({ message }) => message).join(' ')
}
