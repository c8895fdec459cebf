import { LIMITS } from '../../../../src/domain/limits.ts'
import { formatUpdateId, sameUpdate } from '../../../../src/domain/update-id.ts'
import type { PickedFile, PickedManifest } from '../files/picked-file.ts'
import type { Origin, PlannedInput } from '../run/import-plan.ts'
import type { Readiness } from '../run/readiness.ts'
import { judgeUrl } from '../urls/judge-url.ts'
import { type Match, matchFiles } from './match-files.ts'
import { orderManifests, referencesElsewhere } from './order-manifests.ts'

export interface JudgedManifest {
  picked: PickedManifest
  matches: readonly Match[]
}

/** Where the server may get files that are not here, by `urlKey`. */
export type Urls = Readonly<Record<string, string>>

/** Of the file that one manifest names. */
export const urlKey = (manifest: PickedManifest, { fileName }: Match) => `${manifest.key}/${fileName}`

/** Every manifest with what there is for its files, and whether all of them together can be imported. */
export function judgeManifests(
  manifests: readonly PickedManifest[],
  { files, urls, there }: { files: readonly PickedFile[]; urls: Urls; there: ReadonlyMap<string, boolean> },
): { judged: JudgedManifest[]; readiness: Readiness } {
  const judged = manifests.map((picked) => ({
    picked,
    matches: picked.reading.manifest ? matchFiles(picked.reading.manifest, { path: picked.path, files }) : [],
  }))
  const problems = [
    ...judged.flatMap((one) => problemsOf(one, urls)),
    ...problemsTogether(manifests, there),
    ...(manifests.length === 0 ? ['There is no import manifest. Drop or choose one, or make it here.'] : []),
  ]
  const isWaiting = judged.some(({ matches }) => matches.some(({ state }) => state === 'hashing'))
  return {
    judged,
    readiness: {
      plan: problems.length > 0 || isWaiting ? undefined : async () => planOf(judged, urls),
      problems,
      waiting: isWaiting ? 'The files are being read, to compare their hashes.' : undefined,
    },
  }
}

function problemsOf({ picked, matches }: JudgedManifest, urls: Urls): string[] {
  const { errors } = picked.reading
  if (errors.length > 0) return [`${picked.name}: mend what is told of the manifest.`]
  return matches.flatMap((match) => {
    const url = urls[urlKey(picked, match)] ?? ''
    if (match.state === 'wrong') return `${match.problem}`
    if (match.state !== 'missing') return []
    if (url === '') return `${match.fileName} is missing. Drop it, choose it, or write its URL.`
    return judgeUrl(url) === undefined ? [] : `${match.fileName}: mend its URL.`
  })
}

function problemsTogether(manifests: readonly PickedManifest[], there: ReadonlyMap<string, boolean>): string[] {
  const right = manifests.flatMap(({ reading: { manifest } }) => (manifest ? { manifest } : []))
  const problems = right.flatMap(({ manifest: { updateId } }, index) => {
    const name = formatUpdateId(updateId)
    if (right.findIndex((other) => sameUpdate(other.manifest.updateId, updateId)) !== index) {
      return `${name} has two manifests. Keep one.`
    }
    return there.get(name) === true ? alreadyThere(name) : []
  })
  // What a manifest that cannot be read stands for is not known.
  if (right.length === manifests.length) {
    for (const id of referencesElsewhere(right)) {
      if (there.get(formatUpdateId(id)) !== false) continue
      problems.push(
        `${formatUpdateId(id)} is referenced, but is neither here nor in the instance. Drop its manifest, too.`,
      )
    }
  }
  if (manifests.length > LIMITS.inputsMax) {
    problems.push(`One import takes ${LIMITS.inputsMax} manifests; these are ${manifests.length}.`)
  }
  return problems
}

export const alreadyThere = (name: string) =>
  `${name} is in the instance already. Imported updates never change: use another version.`

function planOf(judged: readonly JudgedManifest[], urls: Urls): PlannedInput[] {
  const entries = judged.flatMap((one) => {
    const { manifest } = one.picked.reading
    return manifest === undefined ? [] : { ...one, manifest }
  })
  return orderManifests(entries).map(({ picked, matches }) => {
    const { file: blob, name, sha256 } = picked
    return {
      manifest: { origin: { kind: 'own', name, blob, sha256 }, sizeInBytes: blob.size, sha256 },
      files: matches.map((match): { fileName: string; origin: Origin } => {
        const { fileName } = match
        const { file } = match.picked ?? {}
        return {
          fileName,
          origin: file
            ? { kind: 'own', name: fileName, blob: file, sha256: match.sha256 }
            : { kind: 'url', url: urls[urlKey(picked, match)] ?? '' },
        }
      }),
    }
  })
}
