import {
  answerStatus,
  type Behaviour,
  type MisbehavingSource,
  serveBytes,
  serveOtherBytes,
} from '../support/misbehaving-source.ts'
import { paced } from '../support/paced.ts'
import { type PayloadRecipe, type PublishedUpdate, publishUpdate } from '../support/publish-update.ts'
import { seededBytes } from '../support/seeded-bytes.ts'
import { type SeededRandom, seededRandom } from '../support/seeded-random.ts'
import { type KillUpload, planUploads } from './kill-staging.ts'

export const INSTANCES = ['default', 'other'] as const
export type InstanceName = (typeof INSTANCES)[number]

const SIZE_MIN = 1024
const SIZE_MAX = 30 * 1024 * 1024
const BODY_MS_MAX = 1500

/**
 * What the clients know of an import:
 *
 * - `staging`: it is uploaded, or waits for that to go on, and was not asked for yet
 * - `asked`: the request got no answer, so it may have happened or not
 * - `accepted`: answered with 202, and the end was not seen yet
 * - `visible`: seen to have succeeded, and nobody asked for its deletion
 * - `deleting`: its deletion was asked for
 * - `gone`: seen to be deleted
 * - `absent`: seen to have failed, or never to have happened
 */
export type ImportState = 'staging' | 'asked' | 'accepted' | 'visible' | 'deleting' | 'gone' | 'absent'

/** One import of the load: an update, or a parent (the last one) with its children. */
export interface KillImport {
  number: number
  instance: InstanceName
  updates: readonly PublishedUpdate[]
  /** How it must end: `Succeeded`, or the innermost code of its error. */
  merit: 'Succeeded' | 'HashMismatch' | 'SourceStatus'
  state: ImportState
  /** Of an import that is staged, and not fetched from the source. */
  uploads?: ReadonlyMap<string, KillUpload>
  operationId?: string
  /** The operation that deletes it, once that was accepted. */
  deletionId?: string
  /** The operation that tries to delete a child of it, which must fail. */
  childDeletionId?: string
  /** Addresses at which content of it was read. */
  contentPaths: Set<string>
}

/**
 * Makes the import with this number and serves it: all that it is depends on the seed and the number alone, but for the contents that
 * it shares with imports in `alive`. `onSent` is called when the source has sent the last byte of a file.
 */
export function planImport({
  source,
  seed,
  number,
  alive,
  onSent,
}: {
  source: MisbehavingSource
  seed: number
  number: number
  alive: readonly KillImport[]
  onSent: () => void
}): KillImport {
  const random = seededRandom(seed, `import ${number}`)
  const instance = random.pick(INSTANCES) ?? 'default'
  const merit = random.chance(0.85) ? 'Succeeded' : random.chance(0.5) ? 'HashMismatch' : 'SourceStatus'
  const parts = random.chance(0.2) ? random.whole(2, 4) : 1
  const spoiledPart = random.whole(0, parts - 1)

  const updates: PublishedUpdate[] = []
  for (let part = 0; part < parts; part += 1) {
    const isParent = part === parts - 1
    const fileCount = random.chance(0.25) ? random.whole(2, 6) : 1
    const files: PayloadRecipe[] = []
    for (let index = 0; index < fileCount; index += 1) {
      const isSpoiled = merit !== 'Succeeded' && part === spoiledPart && index === fileCount - 1
      const shared = isSpoiled ? undefined : sharedBytes(random, { alive, files })
      const bytes = shared ?? seededBytes(`${seed} ${number} ${part} ${index}`, random.size(SIZE_MIN, SIZE_MAX))
      files.push({
        name: `file-${index}.bin`,
        bytes,
        behaviour: paced(isSpoiled ? spoiled(merit, bytes) : serveBytes(bytes), {
          bodyMs: BODY_MS_MAX * random.fraction() ** 2,
          onSent,
        }),
      })
    }
    updates.push(
      publishUpdate(source, {
        provider: `Maker${number % 5}`,
        name: `Import${number}`,
        version: `1.${part}`,
        isDeployable: isParent,
        files,
        references: isParent ? updates.map(({ updateId }) => updateId) : [],
      }),
    )
    slowManifest(source, updates.at(-1), 200 * random.fraction() ** 2)
  }
  const planned: KillImport = { number, instance, updates, merit, state: 'asked', contentPaths: new Set() }
  if (merit !== 'Succeeded' || !random.chance(0.3)) return planned
  return { ...planned, state: 'staging', uploads: planUploads(planned) }
}

/** Frees the memory of what nobody will ask for any more. */
export function forgetContent(source: MisbehavingSource, { updates }: KillImport): void {
  for (const { payloads, paths } of updates) {
    payloads.clear()
    for (const path of paths.values()) source.at(path, answerStatus(404))
  }
}

/** The bytes of a file of another import, or of this one. */
function sharedBytes(
  random: SeededRandom,
  { alive, files }: { alive: readonly KillImport[]; files: readonly PayloadRecipe[] },
): Uint8Array | undefined {
  if (!random.chance(0.2)) return undefined
  const update = random.pick(random.pick(alive)?.updates ?? [])
  return random.chance(0.3) ? random.pick(files)?.bytes : random.pick([...(update?.payloads.values() ?? [])])
}

function spoiled(merit: KillImport['merit'], bytes: Uint8Array): Behaviour {
  return merit === 'HashMismatch' ? serveOtherBytes(bytes) : answerStatus(404)
}

function slowManifest(source: MisbehavingSource, update: PublishedUpdate | undefined, bodyMs: number): void {
  if (update === undefined) return
  source.at(update.paths.get('') ?? '', paced(serveBytes(update.manifestBytes), { bodyMs }))
}
