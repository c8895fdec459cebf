import { breaking } from '../support/breaking-source.ts'
import { answerStatus, type MisbehavingSource, serveBytes, serveOtherBytes } from '../support/misbehaving-source.ts'
import {
  type PayloadRecipe,
  type PublishedUpdate,
  publishUpdate,
  type UpdateRecipe,
} from '../support/publish-update.ts'
import { seededBytes } from '../support/seeded-bytes.ts'
import { type SeededRandom, seededRandom } from '../support/seeded-random.ts'

const KiB = 1024
const MiB = 1024 * KiB

/** One import of the load: an update, or a parent (the last one) with its children. */
export interface SoakImport {
  kind: string
  updates: readonly PublishedUpdate[]
  /** Whether it has to succeed. */
  isGood: boolean
}

interface Plan {
  random: SeededRandom
  /** Bytes that differ from all others, `size` of them or some few. */
  bytes: (sizeInBytes?: number) => Buffer
  /** Updates that are in the catalogue just now. */
  living: readonly SoakImport[]
}

interface Kind {
  /** How often it comes, against the others. */
  weight: number
  fails?: true
  /** The recipes of its updates; the last one references the others. */
  recipes: (plan: Plan) => UpdateRecipe[]
}

const file = (bytes: Uint8Array, behaviour?: PayloadRecipe['behaviour']): PayloadRecipe => ({
  name: 'file-0.bin',
  bytes,
  ...(behaviour && { behaviour }),
})

const severalFiles = ({ random, bytes }: Plan, count: number) =>
  Array.from({ length: count }, (_, index) => ({ name: `file-${index}.bin`, bytes: bytes(random.size(256, 64 * KiB)) }))

const KINDS: Readonly<Record<string, Kind>> = {
  'one small file': { weight: 45, recipes: ({ bytes }) => [{ files: [file(bytes())] }] },
  'several files': { weight: 14, recipes: (plan) => [{ files: severalFiles(plan, plan.random.whole(2, 5)) }] },
  'a parent and its child': { weight: 7, recipes: ({ bytes }) => [{ files: [file(bytes())] }, { files: [] }] },
  'one large file': {
    weight: 2,
    recipes: ({ random, bytes }) => [{ files: [file(bytes(random.size(2 * MiB, 12 * MiB)))] }],
  },
  'the content of another update': {
    weight: 8,
    recipes: ({ random, bytes, living }) => {
      const known = [...(random.pick(living)?.updates[0]?.payloads.values() ?? [])][0]
      return [{ files: [file(known ?? bytes())] }]
    },
  },
  'a source that breaks twice': {
    weight: 8,
    recipes: ({ random, bytes }) => {
      const content = bytes(random.size(8 * KiB, 3 * MiB))
      const ends = [random.whole(0, content.length - 1), random.whole(0, content.length - 1)]
      return [{ files: [file(content, breaking(serveBytes(content), ends))] }]
    },
  },
  'a file that is missing': {
    weight: 4,
    fails: true,
    recipes: ({ bytes }) => [{ files: [file(bytes(), answerStatus(404))] }],
  },
  'a file of which every byte is wrong': {
    weight: 5,
    fails: true,
    recipes: ({ bytes }) => {
      const content = bytes()
      return [{ files: [file(content, serveOtherBytes(content))] }]
    },
  },
  'a manifest that is missing': {
    weight: 4,
    fails: true,
    recipes: ({ bytes }) => [{ files: [file(bytes())], manifestBehaviour: answerStatus(404) }],
  },
  'a manifest that is none': {
    weight: 3,
    fails: true,
    recipes: ({ bytes }) => [{ files: [file(bytes())], manifestBytes: bytes(2000) }],
  },
}

const KIND_NAMES = Object.entries(KINDS).flatMap(([name, { weight }]) => Array.from({ length: weight }, () => name))

/** Makes the import with this number and serves it: what it is depends on the seed and the number, and on what lives. */
export function planImport({
  source,
  seed,
  number,
  living,
}: {
  source: MisbehavingSource
  seed: number
  number: number
  living: readonly SoakImport[]
}): SoakImport {
  const random = seededRandom(seed, `import ${number}`)
  const kind = random.pick(KIND_NAMES)!
  const { fails = false, recipes } = KINDS[kind]!
  let contents = 0
  const bytes = (sizeInBytes = random.size(256, 128 * KiB)) => {
    contents += 1
    return seededBytes(`${seed} ${number} ${contents}`, sizeInBytes)
  }
  const planned = recipes({ random, bytes, living })
  const updates: PublishedUpdate[] = []
  for (const [part, recipe] of planned.entries()) {
    const isLast = part === planned.length - 1
    updates.push(
      publishUpdate(source, {
        provider: `Maker${number % 5}`,
        name: `Thing${number % 40}`,
        version: `${number}.${part}`,
        isDeployable: isLast,
        references: isLast ? updates.map(({ updateId }) => updateId) : [],
        ...recipe,
      }),
    )
  }
  return { kind, updates, isGood: !fails }
}

/** Nobody will ask the source for it any more. */
export function forgetImport(source: MisbehavingSource, { updates }: SoakImport): void {
  for (const { paths } of updates) {
    for (const path of paths.values()) source.at(path, GONE)
  }
}

const GONE = answerStatus(404)
