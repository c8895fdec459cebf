import { readdir, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { createApiClient } from '../../src/client/api-client.ts'
import type { SeededRandom } from '../support/seeded-random.ts'
import type { Target } from './kill-clients.ts'
import { INSTANCES } from './kill-imports.ts'
import type { Ledger } from './kill-ledger.ts'
import { readImport } from './kill-reads.ts'

/** A copy that a crash left is swept when it is older than a day. */
const OLD_MS = 25 * 3600 * 1000

/** Reads once more all that is there, and counts the operations. Nothing may be under way any more. */
export async function readEverything({
  target,
  token,
  ledger,
  random,
}: {
  target: Target
  token: string
  ledger: Ledger
  random: SeededRandom
}): Promise<void> {
  const clientOf = (instance: string) => createApiClient({ baseUrl: target.url, token, instance, dialect: '2022' })
  for (const known of ledger.inState('visible')) {
    await readImport(known, { ledger, client: clientOf(known.instance), target, random })
  }

  // Every import that nobody was told of must be one of the requests without an answer.
  const { accepted, unanswered } = ledger.counts.imports
  let listed = 0
  for (const instance of INSTANCES) {
    for await (const _ of clientOf(instance).listOperations()) listed += 1
  }
  if (listed < accepted || listed > accepted + unanswered) {
    ledger.find(`${listed} imports are listed; ${accepted} were accepted, ${unanswered} more may have been.`)
  }
}

/** Makes a store look as if the crashes had been long ago. */
export async function makeOld(store: string): Promise<void> {
  const then = (Date.now() - OLD_MS) / 1000
  for (const entry of await readdir(store, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) await utimes(join(entry.parentPath, entry.name), then, then)
  }
}
