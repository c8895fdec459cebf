import type { UpdateId } from '../../src/domain/update-id.ts'
import {
  answerStatus,
  type Behaviour,
  closeEarly,
  type MisbehavingSource,
  serveBytes,
  serveOtherBytes,
} from '../support/misbehaving-source.ts'
import { type PublishedUpdate, publishUpdate } from '../support/publish-update.ts'

/** What one update consists of, as far as the model knows. */
export interface ModelUpdate {
  updateId: UpdateId
  isDeployable: boolean
  references: UpdateId[]
  files: { name: string; bytes: Buffer }[]
  /** Why its files cannot be fetched; a source with other bytes is no matter where the instance has the content already. */
  source: 'good' | 'other bytes' | 'bad'
}

const ONE = Buffer.from('content one')
const TWO = Buffer.from('content two')
const THREE = Buffer.from('content three')
/** Large enough to be resumed after a crash. */
const LARGE = Buffer.alloc(1024 * 1024 + 70_000, 'large')

const child = (name: string, files: Buffer[], version = '1.0') => update({ name, version, files, isDeployable: false })
const CHILD = { provider: 'Contoso', name: 'Child', version: '1.0' }
const SECOND = { provider: 'Contoso', name: 'Second', version: '1.0' }

/** Every update that is imported in a model check: few, so that they meet. */
export const MODEL_UPDATES = {
  child: child('Child', [ONE, TWO]),
  /** The identity of the other one, with other files. */
  childAgain: { ...child('CHILD', [THREE]), updateId: { provider: 'contoso', name: 'CHILD', version: '01.0' } },
  second: child('Second', [ONE]),
  parent: update({ name: 'Parent', files: [TWO], references: [CHILD, SECOND] }),
  otherParent: update({ name: 'Parent', version: '1.0.0', files: [], references: [CHILD] }),
  /** Its child is deployable, so it can never be imported. */
  wrongParent: update({
    name: 'Wrong',
    files: [],
    references: [{ provider: 'Contoso', name: 'Single', version: '1.0' }],
  }),
  nested: update({ name: 'Nested', files: [], references: [{ provider: 'Contoso', name: 'Parent', version: '1.0' }] }),
  single: update({ name: 'Single', files: [ONE, THREE] }),
  singleLarge: update({ name: 'Single', version: '1.1', files: [LARGE, TWO] }),
  alsoLarge: update({ provider: 'Acme', name: 'Large', files: [LARGE] }),
  flaky: update({ name: 'Flaky', files: [TWO] }),
  thief: { ...update({ provider: 'Acme', name: 'Thief', files: [ONE] }), source: 'other bytes' },
  wrong: { ...update({ provider: 'Acme', name: 'Wrong', files: [Buffer.from('wrong')] }), source: 'bad' },
  gone: { ...update({ provider: 'Acme', name: 'Gone', files: [Buffer.from('gone')] }), source: 'bad' },
  cut: { ...update({ provider: 'Acme', name: 'Cut', files: [Buffer.from('cut short')] }), source: 'bad' },
} satisfies Record<string, ModelUpdate>

export type UpdateName = keyof typeof MODEL_UPDATES

function update({
  provider = 'Contoso',
  name,
  version = '1.0',
  files,
  isDeployable = true,
  references = [],
}: {
  provider?: string
  name: string
  version?: string
  files: Buffer[]
  isDeployable?: boolean
  references?: UpdateId[]
}): ModelUpdate {
  const named = files.map((bytes, index) => ({ name: `${name}-${index}.bin`, bytes }))
  return { updateId: { provider, name, version }, isDeployable, references, files: named, source: 'good' }
}

/** Serves all of them. They are published once, since a source does not change by being read. */
export function publishModelUpdates(source: MisbehavingSource): Record<UpdateName, PublishedUpdate> {
  const behaviours: Partial<Record<UpdateName, (bytes: Buffer) => Behaviour>> = {
    flaky: everySecondFails,
    thief: serveOtherBytes,
    wrong: serveOtherBytes,
    gone: () => answerStatus(404),
    cut: (bytes) => closeEarly(bytes, { afterBytes: 3 }),
  }
  const published = Object.entries(MODEL_UPDATES).map(([key, { updateId, isDeployable, references, files }]) => {
    const behaviour = behaviours[key as UpdateName] ?? serveBytes
    const served = files.map(({ name, bytes }) => ({ name, bytes, behaviour: behaviour(bytes) }))
    return [key, publishUpdate(source, { ...updateId, isDeployable, references, files: served })]
  })
  return Object.fromEntries(published)
}

function everySecondFails(bytes: Buffer): Behaviour {
  const [bad, good] = [answerStatus(503), serveBytes(bytes)]
  let asked = 0
  return (request, response) => {
    asked += 1
    if (asked % 2 === 1) bad(request, response)
    else good(request, response)
  }
}
