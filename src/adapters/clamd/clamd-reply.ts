/** What clamd's reply to `INSTREAM` means. `text` is what it said, fit to be shown. */
export type ClamdReply =
  | { kind: 'ok' }
  | { kind: 'found'; name: string }
  /** One of its limits kept it from looking at everything. */
  | { kind: 'limit'; text: string }
  /** It met something encrypted. */
  | { kind: 'encrypted'; text: string }
  | { kind: 'error'; text: string }

const SHOWN_CHARACTERS_MAX = 200

/** Reads a reply, without the byte that ends it (clamd(8), "Commands"). What is not understood is an error, never `ok`. */
export function readClamdReply(reply: string): ClamdReply {
  const text = reply.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, SHOWN_CHARACTERS_MAX)
  if (text === 'stream: OK') return { kind: 'ok' }
  const name = /^stream: (\S.*) FOUND$/.exec(text)?.[1]
  if (name !== undefined) {
    // These stand in the place of a signature's name where clamd was told to alert on what it did not look into.
    if (name.startsWith('Heuristics.Limits.Exceeded')) return { kind: 'limit', text: name }
    if (name.startsWith('Heuristics.Encrypted.')) return { kind: 'encrypted', text: name }
    return { kind: 'found', name }
  }
  return { kind: text.startsWith('INSTREAM size limit exceeded') ? 'limit' : 'error', text }
}
