import { EventEmitter } from 'node:events'
import type { Operation } from '../../src/client/api-types.ts'
import type { MisbehavingSource } from '../support/misbehaving-source.ts'
import { innermostOf } from './innermost-of.ts'
import { forgetContent, type KillImport, planImport } from './kill-imports.ts'

/** What all clients together know, over the lives and deaths of the server. */
export interface Ledger {
  imports: readonly KillImport[]
  /** Everything that must not have happened, in sentences. */
  findings: readonly string[]
  counts: KillCounts
  find(sentence: string): void
  /** Makes the next import of the load. */
  plan(): KillImport
  /** The imports that may be read. */
  inState(...states: KillImport['state'][]): KillImport[]
  /** Takes note of what an operation of an import answered. */
  importEnded(known: KillImport, operation: Operation): void
  deletionEnded(known: KillImport, operation: Operation): void
  childDeletionEnded(known: KillImport, operation: Operation): void
  /** Takes note of what became of an import whose request got no answer. */
  importSettled(known: KillImport, isThere: boolean): void
  /** The same of a deletion that turned out to have happened. */
  deletionSettled(known: KillImport): void
  /** Emits `sent` when the source has sent the last byte of a file. */
  events: EventEmitter<{ sent: [] }>
}

export interface KillCounts {
  /** Requests by what came of them. */
  imports: { accepted: number; unanswered: number; succeeded: number; failed: number }
  deletions: { accepted: number; unanswered: number; succeeded: number; refused: number }
  /** Things that were staged for imports. */
  uploads: number
  reads: { updates: number; lists: number; contents: number; bytes: number }
}

export function openLedger({ source, seed }: { source: MisbehavingSource; seed: number }): Ledger {
  const imports: KillImport[] = []
  const findings: string[] = []
  const events = new EventEmitter<{ sent: [] }>()
  const counts: KillCounts = {
    imports: { accepted: 0, unanswered: 0, succeeded: 0, failed: 0 },
    deletions: { accepted: 0, unanswered: 0, succeeded: 0, refused: 0 },
    uploads: 0,
    reads: { updates: 0, lists: 0, contents: 0, bytes: 0 },
  }
  const find = (sentence: string) => void findings.push(sentence)

  function become(known: KillImport, state: 'gone' | 'absent'): void {
    known.state = state
    forgetContent(source, known)
  }

  return {
    imports,
    findings,
    counts,
    find,
    events,
    plan() {
      // Not those that must fail: bytes that came in by another import would let them succeed.
      const alive = imports.filter(
        ({ state, merit }) => merit === 'Succeeded' && (state === 'visible' || state === 'accepted'),
      )
      const onSent = () => events.emit('sent')
      const planned = planImport({ source, seed, number: imports.length + 1, alive, onSent })
      imports.push(planned)
      return planned
    },
    inState: (...states) => imports.filter(({ state }) => states.includes(state)),

    importEnded(known, operation) {
      const end = operation.status === 'Succeeded' ? 'Succeeded' : innermostOf(operation).code
      if (end !== known.merit) {
        find(
          `${titleOf(known)} ended ${end}, but by its merits ${known.merit}: ${JSON.stringify(operation.error ?? {})}`,
        )
      }
      if (operation.status === 'Succeeded') {
        counts.imports.succeeded += 1
        known.state = 'visible'
      } else {
        counts.imports.failed += 1
        become(known, 'absent')
      }
    },
    deletionEnded(known, operation) {
      // Asked for twice, since the first request got no answer, the second may find it done.
      const isDone = operation.status === 'Succeeded' || operation.error?.code === 'UpdateNotFound'
      if (!isDone) find(`The deletion of ${titleOf(known)} failed: ${JSON.stringify(operation.error)}`)
      counts.deletions.succeeded += 1
      become(known, 'gone')
    },
    childDeletionEnded(known, operation) {
      delete known.childDeletionId
      if (operation.error?.code !== 'UpdateInUse') {
        find(`A child of ${titleOf(known)} is in use, but its deletion ended ${JSON.stringify(operation)}`)
      }
      counts.deletions.refused += 1
    },
    importSettled(known, isThere) {
      if (isThere && known.merit !== 'Succeeded') find(`${titleOf(known)} is there, but must fail: ${known.merit}`)
      if (isThere) known.state = 'visible'
      else become(known, 'absent')
    },
    deletionSettled(known) {
      become(known, 'gone')
    },
  }
}

/** Names the import in sentences. */
export function titleOf({ number, instance, state, operationId = 'without an answer' }: KillImport): string {
  return `import ${number} (${instance}, ${state}, ${operationId})`
}
