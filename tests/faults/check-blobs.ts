import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import type { Finding } from './finding.ts'

interface BlobRow {
  sha256: string
  name: string
  size: number
  idle: number | null
  isNamed: number
  isHeld: number
}

interface FileRow {
  sha256: string
  fileName: string
  hashes: string
}

const ALGORITHMS: ReadonlySet<string> = new Set(['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512'])

/** Whether the store has the bytes of every row, and whether sweep will come to know what it may delete. */
export async function checkBlobs(
  database: DatabaseSync,
  { store, quiescent }: { store: string; quiescent: boolean },
): Promise<Finding[]> {
  const findings: Finding[] = []
  const blobs = database
    .prepare(
      `select sha256, name, size_in_bytes as size, idle_since as idle,
              exists (select 1 from files f where f.sha256 = b.sha256)
                or exists (select 1 from updates u where u.manifest_sha256 = b.sha256)
                or exists (select 1 from staged_parts p where p.sha256 = b.sha256)
                -- By this one, nodes that share a store recognise it.
                or exists (select 1 from shared_keys k where k.name = 'store' and k.value = b.name) as isNamed,
              exists (select 1 from blob_holds h where h.sha256 = b.sha256) as isHeld
         from blobs b order by sha256`,
    )
    .all() as unknown as BlobRow[]
  const files = database
    .prepare('select sha256, file_name as fileName, hashes from files')
    .all() as unknown as FileRow[]

  for (const { sha256, name, size, idle, isNamed, isHeld } of blobs) {
    if (!name.startsWith(`${sha256}.`)) {
      findings.push({ code: 'blob-name-wrong', sentence: `The row of ${sha256} names ${name}.` })
      continue
    }
    if (!isNamed && quiescent) {
      findings.push({ code: 'blob-unused', sentence: `Nothing names the row of ${sha256}, and it was not swept.` })
    } else if (!isNamed && !isHeld && idle === null) {
      findings.push({
        code: 'blob-never-swept',
        sentence: `Nothing names or holds ${sha256}, but it is not idle: sweep will never look at it.`,
      })
    }
    const stated = files.filter((file) => file.sha256 === sha256)
    findings.push(...(await checkBytes({ sha256, size, path: pathOf(store, name), stated })))
  }
  if (quiescent) findings.push(...(await checkLeftovers(store, new Set(blobs.map(({ name }) => name)))))
  return findings
}

/** Where the store keeps the copy with this name. */
export function pathOf(store: string, name: string): string {
  return join(store, 'v1', name.slice(0, 2), name)
}

async function checkBytes({
  sha256,
  size,
  path,
  stated,
}: {
  sha256: string
  size: number
  path: string
  stated: readonly FileRow[]
}): Promise<Finding[]> {
  const expectations = stated.map(({ fileName, hashes }) => ({
    fileName,
    hashes: Object.entries<string>(JSON.parse(hashes)),
  }))
  const named = expectations.flatMap((file) => file.hashes.map(([algorithm]) => algorithm))
  const wanted = new Set(['sha256', ...named.filter((algorithm) => ALGORITHMS.has(algorithm))])
  const hashes = new Map([...wanted].map((algorithm) => [algorithm, createHash(algorithm)]))
  let bytes = 0
  try {
    for await (const chunk of createReadStream(path)) {
      bytes += chunk.length
      for (const hash of hashes.values()) hash.update(chunk)
    }
  } catch (error) {
    return [{ code: 'blob-missing', sentence: `The bytes of ${sha256} cannot be read: ${(error as Error).message}.` }]
  }
  if (bytes !== size) {
    const sentence = `${path} has ${bytes} bytes, its row says ${size}.`
    return [{ code: 'blob-size-wrong', sentence }]
  }
  const digests = new Map([...hashes].map(([algorithm, hash]) => [algorithm, hash.digest()]))
  const actual = digests.get('sha256')?.toString('hex')
  if (actual !== sha256) {
    return [{ code: 'blob-hash-wrong', sentence: `${path} has the SHA-256 ${actual}, its row says ${sha256}.` }]
  }
  return expectations.flatMap((file) =>
    file.hashes.flatMap(([algorithm, expected]): Finding[] => {
      const digest = digests.get(algorithm)?.toString('base64')
      if (digest === undefined || digest === expected) return []
      const sentence = `${file.fileName} should have the ${algorithm} ${expected}, but its bytes have ${digest}.`
      return [{ code: 'stated-hash-wrong', sentence }]
    }),
  )
}

async function checkLeftovers(store: string, inForce: ReadonlySet<string>): Promise<Finding[]> {
  const copies = await filesIn(join(store, 'v1'))
  const partials = await filesIn(join(store, 'partial'))
  const isInForce = (path: string) => inForce.has(basename(path)) && path === pathOf(store, basename(path))
  return [
    ...copies
      .filter((path) => !isInForce(path))
      .map((path): Finding => ({ code: 'copy-left', sentence: `No row names ${path}.` })),
    ...partials.map((path): Finding => ({ code: 'partial-left', sentence: `${path} is left of a writing.` })),
  ]
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name))
}
