import { createHash } from 'node:crypto'
import type { UpdateId } from '../../src/domain/update-id.ts'
import { keyOf } from './declared-content.ts'
import { MODEL_UPDATES, type ModelUpdate, type UpdateName } from './model-updates.ts'

/** How an operation ends: `Succeeded`, or the code of its error. */
export type ModelEnd =
  | 'Succeeded'
  | 'exists'
  | 'CannotProcessImportManifest'
  | 'CannotProcessUpdateFile'
  | 'UpdateInUse'
  | 'UpdateNotFound'

export type ModelRequest = { instance: string } & (
  | { kind: 'import'; updates: readonly UpdateName[] }
  | { kind: 'delete'; updateId: UpdateId }
)

/** What every read answers about an instance. */
export interface ModelReads {
  providers: string[]
  names: Record<string, string[]>
  versions: Record<string, string[]>
  updates: {
    updateId: UpdateId
    isDeployable: boolean
    referencedBy: UpdateId[]
    files: { name: string; sizeInBytes: number; sha256: string; content: string }[]
  }[]
}

/** What a catalogue is to clients, in a few lines: no bytes, no attempts, no time. */
export class Model {
  readonly #instances = new Map<string, Map<string, ModelUpdate>>()

  /** How the operation ends if it runs now, without others meanwhile. */
  predict(request: ModelRequest): ModelEnd {
    const updates = this.#updatesOf(request.instance)
    if (request.kind === 'delete') {
      if (!updates.has(keyOf(request.updateId))) return 'UpdateNotFound'
      return this.#parentsOf(request.instance, request.updateId).length > 0 ? 'UpdateInUse' : 'Succeeded'
    }
    const wanted = request.updates.map((name) => MODEL_UPDATES[name])
    const keys = wanted.map(({ updateId }) => keyOf(updateId))
    if (new Set(keys).size < keys.length) return 'CannotProcessImportManifest'
    if (keys.some((key) => updates.has(key))) return 'exists'
    for (const key of wanted.flatMap(({ references }) => references.map(keyOf))) {
      const child = wanted.find(({ updateId }) => keyOf(updateId) === key) ?? updates.get(key)
      if (child === undefined || child.isDeployable || child.references.length > 0) return 'CannotProcessImportManifest'
    }
    return this.canFetch(request) ? 'Succeeded' : 'CannotProcessUpdateFile'
  }

  /** Whether all files of an import can be had now. Content that the instance has is not fetched again. */
  canFetch(request: ModelRequest): boolean {
    if (request.kind === 'delete') return true
    const known = [...this.#updatesOf(request.instance).values()].flatMap(({ files }) => files)
    return request.updates.every((name) => {
      const { source, files } = MODEL_UPDATES[name]
      const isKnown = files.every(({ bytes }) => known.some((file) => file.bytes.equals(bytes)))
      return source === 'good' || (source === 'other bytes' && isKnown)
    })
  }

  /** The operation has succeeded. */
  apply(request: ModelRequest): void {
    const updates = this.#updatesOf(request.instance)
    if (request.kind === 'import') {
      for (const name of request.updates) updates.set(keyOf(MODEL_UPDATES[name].updateId), MODEL_UPDATES[name])
      return
    }
    const children = updates.get(keyOf(request.updateId))?.references ?? []
    updates.delete(keyOf(request.updateId))
    for (const child of children) {
      if (this.#parentsOf(request.instance, child).length === 0) updates.delete(keyOf(child))
    }
  }

  reads(instance: string): ModelReads {
    const all = [...this.#updatesOf(instance).values()].toSorted(byOrder)
    const providers = Object.values(Object.groupBy(all, ({ updateId }) => updateId.provider.toLowerCase()))
    const names = Object.values(Object.groupBy(all, ({ updateId }) => nameKey(updateId)))
    return {
      providers: providers.map((updates) => first(updates).provider),
      names: Object.fromEntries(
        providers.map((updates) => {
          const { provider } = first(updates)
          const own = names.filter((group) => first(group).provider.toLowerCase() === provider.toLowerCase())
          return [provider.toLowerCase(), own.map((group) => first(group).name)]
        }),
      ),
      versions: Object.fromEntries(
        names.map((updates) => [
          nameKey(first(updates)),
          (updates ?? []).map(({ updateId }) => normalised(updateId.version)),
        ]),
      ),
      updates: all.map(({ updateId, isDeployable, files }) => ({
        updateId: { ...updateId, version: normalised(updateId.version) },
        isDeployable,
        referencedBy: this.#parentsOf(instance, updateId),
        files: files.map(({ name, bytes }) => {
          const sha256 = createHash('sha256').update(bytes).digest('base64')
          return { name, sizeInBytes: bytes.byteLength, sha256, content: sha256 }
        }),
      })),
    }
  }

  #updatesOf(instance: string): Map<string, ModelUpdate> {
    const updates = this.#instances.get(instance) ?? new Map()
    this.#instances.set(instance, updates)
    return updates
  }

  #parentsOf(instance: string, child: UpdateId): UpdateId[] {
    return [...this.#updatesOf(instance).values()]
      .filter(({ references }) => references.some((reference) => keyOf(reference) === keyOf(child)))
      .toSorted(byOrder)
      .map(({ updateId }) => updateId)
  }
}

export function nameKey({ provider, name }: UpdateId): string {
  return `${provider}/${name}`.toLowerCase()
}

function first(updates: readonly ModelUpdate[] | undefined): UpdateId {
  const [update] = updates ?? []
  if (update === undefined) throw new Error('A group has a member.')
  return update.updateId
}

function normalised(version: string): string {
  return version.split('.').map(Number).join('.')
}

/** By provider and name, the newest version first; a part that is missing is older than 0. */
function byOrder({ updateId: a }: ModelUpdate, { updateId: b }: ModelUpdate): number {
  const [keyA, keyB] = [nameKey(a), nameKey(b)]
  if (keyA !== keyB) return keyA < keyB ? -1 : 1
  const [partsA, partsB] = [a.version.split('.'), b.version.split('.')]
  for (let i = 0; i < 4; i += 1) {
    const difference = Number(partsB[i] ?? -1) - Number(partsA[i] ?? -1)
    if (difference !== 0) return difference
  }
  return 0
}
