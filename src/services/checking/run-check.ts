import type { ImportManifest } from '../../domain/import-manifest.ts'
import type { ImportInput } from '../../domain/import-request.ts'
import type { CheckRequest, ClaimedOperation } from '../../domain/operation.ts'
import { asOperationError } from '../../domain/operation.ts'
import { endStatements, guardAttempt } from '../../store/operations/attempts.ts'
import { noteWarnings } from '../../store/operations/operations.ts'
import { newUpdateId } from '../../store/updates/publish.ts'
import { type InputReading, pointerOf, readInput, refuseRepeated } from '../importing/fetch-items.ts'
import { judgeCandidates } from '../importing/judge-candidates.ts'
import { noteUpdates } from '../importing/note-updates.ts'
import type { Candidate } from '../importing/resolve-references.ts'
import type { ImportContext } from '../importing/run-import.ts'
import { checkFiles } from './check-files.ts'
import { CheckFindings } from './check-findings.ts'

export type CheckContext = Omit<ImportContext, 'distribution'>

/** One input of the request, and what came of it. */
export interface CheckedInput extends InputReading {
  /** Its number, from 0. */
  item: number
  input: ImportInput
  /** Where it stands in the request body: a JSON Pointer. */
  pointer: string
}

/**
 * Runs one attempt at a check: everything that an import of the same request would judge, by the same functions, but to the end instead of
 * to the first mistake. Nothing is kept of it but what the operation itself has to say, so an attempt that breaks off is begun anew.
 *
 * Throws `AppError('ImportWouldFail')` with everything that was found, and `BatchConflict` where another worker has the operation by now.
 */
export async function runCheck(
  operation: ClaimedOperation,
  { inputs, isDeep }: CheckRequest,
  context: CheckContext,
): Promise<void> {
  const { database } = context
  const findings = new CheckFindings()
  const checked: CheckedInput[] = []
  for (const [item, input] of inputs.entries()) {
    const pointer = pointerOf(inputs, item)
    const reading = await readInput(input, { ...context, index: item })
    for (const error of reading.errors) findings.object(item, error, pointer)
    for (const warning of reading.warnings) findings.warn(item, warning, pointer)
    checked.push({ item, input, pointer, ...reading })
  }
  const subjects = checked.flatMap(subjectOf)
  await database.batch([guardAttempt(operation), ...noteUpdates(operation, subjects)])
  const areAllKnown = subjects.length === inputs.length
  await checkTogether(subjects, { areAllKnown, findings, operation, context })
  await checkFiles(checked, { isDeep, findings, operation, context })

  const warnings = findings.warnings().map((warning) => asOperationError(warning))
  await noteWarnings(database, operation, warnings)
  const refusal = findings.refusal()
  if (refusal !== undefined) throw refusal
  await database.batch(endStatements(operation, { status: 'Succeeded' }))
}

/** An update of the request whose name is known. What is not known of it says nothing. */
interface Subject extends Candidate {
  item: number
  input: ImportInput
  manifest: Candidate['manifest'] & Pick<ImportManifest, 'description'>
}

function subjectOf({ parts, item, input, pointer }: CheckedInput): Subject[] {
  if (parts?.updateId === undefined) return []
  return [{ id: newUpdateId(), item, input, pointer, manifest: { ...parts, updateId: parts.updateId } }]
}

/** What the updates of the request have against each other, and the catalogue against them. */
async function checkTogether(
  subjects: readonly Subject[],
  {
    areAllKnown,
    findings,
    operation,
    context,
  }: { areAllKnown: boolean; findings: CheckFindings; operation: ClaimedOperation; context: CheckContext },
): Promise<void> {
  for (const [index, { item, pointer, manifest }] of subjects.entries()) {
    const repeated = refuseRepeated(manifest.updateId, subjects.slice(0, index))
    if (repeated !== undefined) findings.object(item, repeated, pointer)
  }
  const { objections, wrongReferences } = await judgeCandidates(subjects, { ...context, operation, healed: new Set() })
  for (const { candidate, error } of objections) findings.object(candidate.item, error)
  for (const { candidate, error } of wrongReferences) {
    // An update whose name cannot be read may be the very one.
    if (error.code === 'ReferenceNotFound' && !areAllKnown) continue
    findings.object(candidate.item, error)
  }
}
