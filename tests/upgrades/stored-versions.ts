import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { JWTHeaderParameters, JWTPayload } from 'jose'
import type { UpdateId } from '../../src/domain/update-id.ts'
import type { Answers } from './read-answers.ts'

const HERE = import.meta.dirname
const MIGRATIONS = join(HERE, '../../migrations')

/** A release and the migrations that it has: from then on nobody may edit those. */
export interface Release {
  version: string
  /** File name → SHA-256 in hex. */
  migrations: Readonly<Record<string, string>>
}

/** What is known of a stored data folder, as the version said that wrote it. */
export interface StoredVersion {
  version: string
  /** File name → SHA-256 in hex, of the migrations that ran on it. */
  migrations: Readonly<Record<string, string>>
  /** What the API answered, by instance. */
  answers: Readonly<Record<string, Answers>>
  /** A token that the version issued, which is worth nothing any more: without its signature. */
  token: { header: JWTHeaderParameters; payload: JWTPayload }
  /** The import that was in progress when the server was killed, with what its source has to serve by then. */
  inProgress: {
    operationId: string
    instance: string
    updateId: UpdateId
    /** By path; the content as a text that is repeated up to a size. */
    paths: Readonly<Record<string, { fill: string; sizeInBytes: number }>>
    /** File name → SHA-256 in base64. */
    contents: Readonly<Record<string, string>>
  }
}

export function storedFolder(version: string): string {
  return join(HERE, version)
}

export const DATA_FOLDER = 'data-folder.json.gz'
export const EXPECTED = 'expected.json'
export const RELEASED = join(HERE, 'released.json')

/** The versions of which a data folder is stored. */
export function storedVersions(): string[] {
  return readdirSync(HERE).filter((name) => existsSync(join(HERE, name, EXPECTED)))
}

export function readStored(version: string): { expected: StoredVersion; packed: Buffer } {
  const folder = storedFolder(version)
  return {
    expected: JSON.parse(readFileSync(join(folder, EXPECTED), 'utf8')) as StoredVersion,
    packed: readFileSync(join(folder, DATA_FOLDER)),
  }
}

export function readReleases(): Release[] {
  return JSON.parse(readFileSync(RELEASED, 'utf8')) as Release[]
}

/** The names of the migrations, in order, and the SHA-256 of each. */
export function currentMigrations(): Record<string, string> {
  const names = readdirSync(MIGRATIONS).sort()
  return Object.fromEntries(
    names.map((name) => [
      name,
      createHash('sha256')
        .update(readFileSync(join(MIGRATIONS, name)))
        .digest('hex'),
    ]),
  )
}

/** The migrations that are no longer what they were, in sentences: edited, renamed or gone. */
export function changedMigrations(
  { version, migrations }: Pick<Release, 'version' | 'migrations'>,
  current: Readonly<Record<string, string>>,
): string[] {
  return Object.entries(migrations)
    .filter(([name, digest]) => current[name] !== digest)
    .map(
      ([name]) => `migrations/${name} is ${name in current ? 'not what it was' : 'not there as it was'} in ${version}.`,
    )
}
