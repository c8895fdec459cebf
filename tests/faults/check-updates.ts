import { readFile } from 'node:fs/promises'
import type { DatabaseSync } from 'node:sqlite'
import { isDeepStrictEqual } from 'node:util'
import { pathOf } from './check-blobs.ts'
import {
  type DeclaredContent,
  type DeclaredFile,
  type Identity,
  keyOf,
  readDeclaredContent,
} from './declared-content.ts'
import type { Finding } from './finding.ts'

interface UpdateRow extends Identity {
  id: string
  manifest: string | null
}

interface FileRow {
  fileId: string
  base: string | null
  name: string
  size: number
  hashes: string
  sha256: string
  blobSize: number | null
}

/** Whether every update is what its stored manifest says: its identity, its files, the updates that it references. */
export async function checkUpdates(database: DatabaseSync, { store }: { store: string }): Promise<Finding[]> {
  const findings: Finding[] = []
  const updates = database
    .prepare(
      `select u.id, u.provider, u.name, u.version, b.name as manifest
         from updates u left join blobs b on b.sha256 = u.manifest_sha256 order by u.id`,
    )
    .all() as unknown as UpdateRow[]
  for (const update of updates) {
    const title = titleOf(update)
    const rows = filesOf(database, update.id)
    for (const { name } of rows.filter(({ blobSize }) => blobSize === null)) {
      findings.push({ code: 'blob-row-missing', sentence: `No blob row is there for ${name} of ${title}.` })
    }
    if (update.manifest === null) {
      findings.push({ code: 'blob-row-missing', sentence: `No blob row is there for the manifest of ${title}.` })
      continue
    }
    // Bytes that are not there are found with the blobs.
    const bytes = await readFile(pathOf(store, update.manifest)).catch(() => undefined)
    if (bytes === undefined) continue
    let declared: DeclaredContent
    try {
      declared = readDeclaredContent(bytes)
    } catch (error) {
      const sentence = `The manifest of ${title} cannot be read: ${(error as Error).message}.`
      findings.push({ code: 'manifest-unreadable', sentence })
      continue
    }
    if (keyOf(declared.identity) !== keyOf(update)) {
      const sentence = `The manifest of ${title} is about ${titleOf(declared.identity)}.`
      findings.push({ code: 'identity-wrong', sentence })
    }
    findings.push(
      ...differences(title, declared.files, rows),
      ...checkReferences(title, declared.references, childrenOf(database, update.id)),
    )
  }
  return findings
}

function differences(title: string, declared: readonly DeclaredFile[], rows: readonly FileRow[]): Finding[] {
  const wrong = (sentence: string): Finding => ({ code: 'files-wrong', sentence })
  const findings = rows
    .filter(({ name }) => !declared.some((file) => file.name === name))
    .map(({ name }) => wrong(`${title} has a file ${name} that its manifest does not list.`))
  for (const file of declared) {
    const named = rows.filter(({ name }) => name === file.name)
    const [row] = named
    if (row === undefined || named.length > 1) {
      findings.push(wrong(`The manifest of ${title} lists ${file.name} once; ${named.length} rows have that name.`))
      continue
    }
    const stored: DeclaredFile = {
      name: row.name,
      sizeInBytes: row.size,
      hashes: JSON.parse(row.hashes),
      base: rows.find(({ fileId }) => fileId === row.base)?.name,
    }
    if (!isDeepStrictEqual(stored, file)) {
      findings.push(wrong(`${title} lists ${JSON.stringify(file)}, the row says ${JSON.stringify(stored)}.`))
    } else if (Buffer.from(file.hashes.sha256 ?? '', 'base64').toString('hex') !== row.sha256) {
      findings.push(wrong(`${file.name} of ${title} is kept under ${row.sha256}, which is not its SHA-256.`))
    } else if (row.blobSize !== null && row.blobSize !== row.size) {
      findings.push(wrong(`${file.name} of ${title} has ${row.size} bytes, its blob's row says ${row.blobSize}.`))
    }
  }
  return findings
}

function checkReferences(title: string, declared: readonly Identity[], children: readonly Identity[]): Finding[] {
  const there = new Set(children.map(keyOf))
  const wanted = new Set(declared.map(keyOf))
  return [
    ...declared
      .filter((child) => !there.has(keyOf(child)))
      .map((child): Finding => {
        const sentence = `${title} references ${titleOf(child)}, which is not kept as its child.`
        return { code: 'update-reference-missing', sentence }
      }),
    ...children
      .filter((child) => !wanted.has(keyOf(child)))
      .map((child): Finding => {
        const sentence = `${titleOf(child)} is kept as a child of ${title}, whose manifest does not reference it.`
        return { code: 'update-reference-undeclared', sentence }
      }),
  ]
}

function filesOf(database: DatabaseSync, updateId: string): FileRow[] {
  return database
    .prepare(
      `select f.file_id as fileId, f.base_file_id as base, f.file_name as name, f.size_in_bytes as size, f.hashes,
              f.sha256, b.size_in_bytes as blobSize
         from files f left join blobs b on b.sha256 = f.sha256 where f.update_id = ? order by f.ordinal`,
    )
    .all(updateId) as unknown as FileRow[]
}

/** Only those of the same instance: a reference to another one's update is none. */
function childrenOf(database: DatabaseSync, updateId: string): Identity[] {
  return database
    .prepare(
      `select c.provider, c.name, c.version from update_references r
         join updates c on c.id = r.child_id join updates p on p.id = r.parent_id
        where r.parent_id = ? and c.instance = p.instance`,
    )
    .all(updateId) as unknown as Identity[]
}

function titleOf({ provider, name, version }: Identity): string {
  return `${provider}/${name}/${version}`
}
