import type { NotScanned, Verdict } from '../../domain/verdict.ts'
import { readClamdReply } from './clamd-reply.ts'
import type { StreamEnd } from './clamd-stream.ts'

/** What the end of a stream says about the file, if clamd had all of its bytes. */
export function verdictOn(end: StreamEnd, known: { signatures: string; caveats: readonly string[] }): Verdict {
  if ('lost' in end) return notScannedNow(end.lost)
  const reply = readClamdReply(end.reply)
  switch (reply.kind) {
    case 'ok':
      return { kind: 'Clean', ...known }
    case 'found':
      return { kind: 'Infected', name: reply.name, signatures: known.signatures }
    case 'limit':
      // Time is the one limit that a quieter hour may not meet.
      return reply.text.endsWith('MaxScanTime')
        ? notScannedNow(`clamd could not look at all of the file in the time that it has (${reply.text}).`)
        : notScanned(`A limit kept clamd from looking at all of the file (${reply.text}).`)
    case 'encrypted':
      return notScanned(`The file has encrypted content, which clamd cannot look into (${reply.text}).`)
    case 'error':
      return notScannedNow(`clamd did not scan the file but said "${reply.text}".`)
  }
}

/** A verdict that will be the same the next time. */
export function notScanned(reason: string): NotScanned {
  return { kind: 'NotScanned', reason, mayRecover: false }
}

/** A verdict that may soon be another one. */
export function notScannedNow(reason: string): NotScanned {
  return { kind: 'NotScanned', reason, mayRecover: true }
}
