import { createHash } from 'node:crypto'
import { existsSync, globSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { SQLITE_DIALECT } from '../src/adapters/sqlite/database-sqlite.ts'
import type { ImportManifest } from '../src/domain/import-manifest.ts'
import { RawJson } from '../src/domain/json-text.ts'
import type { UpdateId } from '../src/domain/update-id.ts'
import type { Database } from '../src/ports/database.ts'
import { createInstances } from '../src/store/instances.ts'
import { migrate } from '../src/store/migrate.ts'
import { type Seed, seedUpdates } from '../tests/support/seed-catalogue.ts'
import { openBulkSqlite } from './bulk-database.ts'

/** The first has half of all updates and is the one that is asked; the others share the rest. */
export const INSTANCES = Array.from({ length: 10 }, (_, index) => `fleet-${index}`)

/** In the first instance, whatever its size: enough for a full page of each list, so that pages of small and large compare. */
export const CORE = { provider: 'Contoso', name: 'Toaster', rareWord: 'platypus', commonWord: 'toaster' }
const CORE_SIZE = 420

/** Updates that one operation publishes; few in the core, for a full page of operations. */
const TOGETHER = 10
const TOGETHER_IN_CORE = 3

/** Servers forget operations after seven days, and would do so while they are measured. */
const FRESH_MS = 5 * 24 * 3_600_000

/**
 * A data folder with a catalogue of so many updates, written through the same functions as those of imports. Kept in `cache`
 * until the schema or this program changes.
 */
export async function filledCatalogue(cache: string, updates: number, say: (line: string) => void): Promise<string> {
  const folder = join(cache, `catalogue-${updates}-${await versionOfFill()}`)
  const note = join(folder, 'filled-at')
  if (existsSync(note) && Date.now() - Number(await readFile(note, 'utf8')) < FRESH_MS) return folder
  for (const old of globSync(join(cache, `catalogue-${updates}-*`))) await rm(old, { recursive: true })

  await mkdir(folder, { recursive: true })
  const database = openBulkSqlite(join(folder, 'aduana.db'))
  await migrate(database, SQLITE_DIALECT)
  await createInstances(database, INSTANCES)
  await fillCatalogue(database, updates, (done) => {
    database.commit()
    say(`${done} of ${updates} updates are in the catalogue`)
  })
  await database.close()
  await writeFile(note, String(Date.now()))
  return folder
}

/** Fills a catalogue that has its instances and nothing else. Calls `onProgress` from time to time, between two updates. */
export async function fillCatalogue(
  database: Database,
  updates: number,
  onProgress: (done: number) => void,
): Promise<void> {
  const made = new Map<string, number>()
  const random = randomFrom(1)
  let together: number
  for (let index = 0; index < updates; index += together) {
    const isCore = index < CORE_SIZE
    together = isCore ? TOGETHER_IN_CORE : TOGETHER
    const instance = isCore || random() < 0.5 ? INSTANCES[0]! : INSTANCES[1 + Math.floor(random() * 9)]!
    const seeds = Array.from({ length: together }, (_, offset) =>
      seedOf(index + offset, isCore ? coreName(index + offset) : anyName(random), { instance, made }),
    )
    // Every tenth is a parent of two that come with it.
    const [parent, ...children] = seeds as [Seed, ...Seed[]]
    if (index % (10 * TOGETHER) === 0) parent.manifest.references = children.slice(0, 2).map(referenceTo)
    await seedUpdates(database, seeds, { instance })
    if (index % 20_000 === 0) {
      onProgress(index)
      await setImmediate()
    }
  }
}

async function versionOfFill(): Promise<string> {
  const hash = createHash('sha256').update(await readFile(import.meta.filename))
  const migrations = join(import.meta.dirname, '../migrations')
  for (const path of globSync(join(migrations, '*.sql')).sort()) hash.update(await readFile(path))
  return hash.digest('hex').slice(0, 8)
}

/** A third are names of one provider, a third versions of one name, a third single updates of providers of their own. */
function coreName(index: number): { provider: string; name: string } {
  switch (index % 3) {
    case 0:
      return { provider: CORE.provider, name: CORE.name }
    case 1:
      return { provider: CORE.provider, name: `Model-${index}` }
    default:
      return { provider: `Maker-${index}`, name: CORE.name }
  }
}

const PROVIDERS = 250
const NAMES = 60
const KINDS = ['Toaster', 'Sensor', 'Gateway', 'Camera', 'Thermostat', 'Pump', 'Meter', 'Lock', 'Charger', 'Router']

/** Few providers have many updates, most have few; likewise names. */
function anyName(random: () => number): { provider: string; name: string } {
  const provider = Math.floor(PROVIDERS * random() ** 3)
  const name = Math.floor(NAMES * random() ** 3)
  return { provider: `Vendor-${provider}`, name: `${KINDS[name % KINDS.length]}-${name}` }
}

const COMPATIBILITY = new RawJson('[{"deviceManufacturer":"Contoso","deviceModel":"Toaster"}]')
const WORDS = [
  'security',
  'fixes',
  'firmware',
  'bootloader',
  'kernel',
  'stable',
  'beta',
  'hotfix',
  'quarterly',
  'rollup',
]

function seedOf(
  index: number,
  { provider, name }: { provider: string; name: string },
  { instance, made }: { instance: string; made: Map<string, number> },
): Seed {
  const key = `${instance}/${provider}/${name}`
  const number = made.get(key) ?? 0
  made.set(key, number + 1)
  const version = `${1 + Math.floor(number / 400)}.${Math.floor(number / 20) % 20}.${number % 20}`
  const rare = index < CORE_SIZE && index % 50 === 0 ? ` ${CORE.rareWord}` : ''
  const manifest: ImportManifest = {
    manifestVersion: '5.0',
    updateId: { provider, name, version },
    description: `${WORDS[index % 10]} ${WORDS[Math.floor(index / 10) % 10]} for ${name}, build ${index}${rare}`,
    isDeployable: index % 4 !== 0,
    compatibility: COMPATIBILITY,
    steps: [{ type: 'inline', handler: 'microsoft/swupdate:1', files: ['image.swu'] }],
    references: [],
    files: Array.from({ length: 1 + (index % 3) }, (_, file) => ({
      fileName: file === 0 ? 'image.swu' : `part-${file}.bin`,
      sizeInBytes: 1000 + index,
      hashes: { sha256: createHash('sha256').update(`${index}/${file}`).digest('base64') },
      pointer: `/files/${file}`,
      relatedFiles: [],
    })),
    createdDateTime: '2024-05-06T07:08:09Z',
  }
  return { manifest, friendlyName: `${name} ${version}` }
}

function referenceTo({ manifest }: Seed): { updateId: UpdateId; pointer: string } {
  return { updateId: manifest.updateId, pointer: '' }
}

/** Numbers from 0 to 1 that are the same in every run. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    // A linear congruential generator (Numerical Recipes), good enough to spread names.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
