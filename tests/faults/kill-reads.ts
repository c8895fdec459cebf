import type { ApiClient } from '../../src/client/api-client.ts'
import { ApiError, readApiError } from '../../src/client/api-error.ts'
import { formatUpdateId, sameUpdate } from '../../src/domain/update-id.ts'
import { sha256Of } from '../support/publish-update.ts'
import type { SeededRandom } from '../support/seeded-random.ts'
import type { Target } from './kill-clients.ts'
import type { InstanceName, KillImport } from './kill-imports.ts'
import { type Ledger, titleOf } from './kill-ledger.ts'

const ANSWER_MS = 30_000

/**
 * Reads one update of an import, and one file of it, and judges every byte. What was visible before and after must be there;
 * what was gone before must not. Throws where the server does not answer.
 */
export async function readImport(
  known: KillImport,
  { ledger, client, target, random }: { ledger: Ledger; client: ApiClient; target: Target; random: SeededRandom },
): Promise<void> {
  const before = known.state
  const update = random.pick(known.updates)!
  // Kept apart from the import, which forgets its bytes once it is deleted.
  const payloads = new Map(update.payloads)
  const title = `${formatUpdateId(update.updateId)} of ${titleOf(known)}`
  ledger.counts.reads.updates += 1
  const found = await client.getUpdateWithContent(update.updateId).catch((error: unknown) => {
    if (error instanceof ApiError && error.status === 404) return undefined
    throw error
  })
  if (found === undefined) {
    if (before === 'visible' && known.state === 'visible') ledger.find(`${title} is not there any more.`)
    await readFormerContent(known, { ledger, target, random })
    return
  }
  if (isGone(before)) {
    ledger.find(`${title} is there again.`)
    return
  }
  if (known.merit !== 'Succeeded') ledger.find(`${title} is visible, but must fail: ${known.merit}.`)

  const stated = found.files.map(({ fileName, sizeInBytes, hashes }) =>
    [fileName, sizeInBytes, hashes.sha256].join(' '),
  )
  const expected = [...payloads].map(([name, bytes]) => [name, bytes.length, sha256Of(bytes)].join(' '))
  if (stated.sort().join() !== expected.sort().join()) {
    ledger.find(`${title} has the files ${stated.join(', ')}, not ${expected.join(', ')}.`)
  }
  const file = random.pick(found.files)
  if (file === undefined) return
  known.contentPaths.add(new URL(file.contentUrl).pathname)
  const bytes = payloads.get(file.fileName) ?? new Uint8Array()
  const start = random.chance(0.3) ? random.whole(0, bytes.length - 1) : 0
  const response = await ask(file.contentUrl, target, start === 0 ? {} : { range: `bytes=${start}-` })
  ledger.counts.reads.contents += 1
  if (response.status !== (start === 0 ? 200 : 206)) {
    await response.body?.cancel()
    // It may have been deleted between the two questions.
    if (response.status === 404 && known.state !== 'visible' && known.state !== 'accepted') return
    ledger.find(`${file.fileName} of ${title} is answered with ${response.status}.`)
    return
  }
  await compare(response, { expected: bytes.subarray(start), title: `${file.fileName} of ${title}`, ledger })
}

/** Lists the updates of an instance: none that is gone, and all that are there. Throws where the server does not answer. */
export async function readList(
  instance: InstanceName,
  { ledger, client }: { ledger: Ledger; client: ApiClient },
): Promise<void> {
  const before = new Map(ledger.imports.map((known) => [known, known.state]))
  const listed = await Array.fromAsync(client.listUpdates())
  ledger.counts.reads.lists += 1
  for (const [known, state] of before) {
    if (known.instance !== instance) continue
    for (const { updateId } of known.updates) {
      const isListed = listed.some((update) => sameUpdate(update.updateId, updateId))
      if (isListed && isGone(state)) ledger.find(`${formatUpdateId(updateId)} of ${titleOf(known)} is listed again.`)
      if (!isListed && state === 'visible' && known.state === 'visible') {
        ledger.find(`${formatUpdateId(updateId)} of ${titleOf(known)} is not listed.`)
      }
    }
  }
}

async function readFormerContent(
  known: KillImport,
  { ledger, target, random }: { ledger: Ledger; target: Target; random: SeededRandom },
): Promise<void> {
  const path = random.pick([...known.contentPaths])
  if (path === undefined || known.state !== 'gone') return
  const response = await ask(new URL(path, target.url), target)
  await response.body?.cancel()
  if (response.status !== 404) ledger.find(`${path} of ${titleOf(known)} is answered with ${response.status}.`)
}

async function compare(
  response: Response,
  { expected, title, ledger }: { expected: Uint8Array; title: string; ledger: Ledger },
): Promise<void> {
  let at = 0
  for await (const chunk of response.body ?? []) {
    // Also what comes before a connection breaks has to be right.
    if (Buffer.compare(chunk, expected.subarray(at, at + chunk.length)) !== 0) {
      ledger.find(`${title} has other bytes, after ${at} right ones.`)
      return
    }
    at += chunk.length
    ledger.counts.reads.bytes += chunk.length
  }
  if (at !== expected.length) ledger.find(`${title} ends after ${at} of ${expected.length} bytes as if it were whole.`)
}

function isGone(state: KillImport['state']): boolean {
  return state === 'gone' || state === 'absent'
}

/** Throws an `ApiError` where the server cannot answer at this moment. */
async function ask(url: string | URL, { signal }: Target, headers: Record<string, string> = {}): Promise<Response> {
  const patience = AbortSignal.timeout(ANSWER_MS)
  const response = await fetch(url, {
    headers,
    signal: signal === undefined ? patience : AbortSignal.any([signal, patience]),
  })
  if (response.status === 503) throw await readApiError(response)
  return response
}
