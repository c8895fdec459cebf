import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { ImportManifest, ManifestBaseFile } from '../../domain/import-manifest.ts'
import { LIMITS } from '../../domain/limits.ts'
import { readImportManifest } from '../../domain/read-import-manifest.ts'
import { formatUpdateId, sameUpdate } from '../../domain/update-id.ts'

/** Where bytes are: on this machine, or somewhere that the server fetches them from. */
export type Origin = { path: string } | { url: string }

/** An update that is to be imported, with everything that it consists of. */
export interface Publication {
  /** The manifest as it was named: a path, or a URL without its query, which may be a secret. */
  title: string
  manifest: ImportManifest
  /** To the letter. */
  bytes: Uint8Array
  sha256: string
  origin: Origin
  files: PublishedFile[]
}

export interface PublishedFile {
  fileName: string
  sizeInBytes: number
  /** Base64, as the manifest writes it. */
  sha256: string
  origin: Origin
}

const SUFFIX = '.importmanifest.json'
const TIMEOUT_MS = 30_000

/**
 * Reads the manifests at paths, in folders and at URLs, and finds where their files are: beside the manifest, or where
 * `overrides` (`NAME=PATH-OR-URL`) say. Children come before the parents that reference them. Every mistake is a
 * sentence in `mistakes`; warnings do not keep anybody from importing.
 */
export async function readPublications(
  places: readonly string[],
  overrides: readonly string[],
): Promise<{ publications: Publication[]; mistakes: string[]; warnings: string[] }> {
  const mistakes: string[] = []
  const warnings: string[] = []
  const publications: Publication[] = []
  for (const place of await manifestsAt(places, mistakes)) {
    const publication = await readPublication(place, { mistakes, warnings })
    if (publication !== undefined) publications.push(publication)
  }
  override(publications, { overrides, mistakes })
  for (const [i, { manifest, title }] of publications.entries()) {
    const twin = publications.slice(0, i).find((other) => sameUpdate(other.manifest.updateId, manifest.updateId))
    if (twin !== undefined)
      mistakes.push(`${title}: is ${formatUpdateId(manifest.updateId)}, and so is ${twin.title}. Name one of them.`)
  }
  if (publications.length > LIMITS.inputsMax) {
    mistakes.push(
      `These are ${publications.length} updates, and one import takes ${LIMITS.inputsMax}: a parent and its children. Import them in several goes, children before their parents.`,
    )
  }
  return { publications: childrenFirst(publications), mistakes, warnings }
}

/** A URL without what may be a secret in it. */
export function titleOf(place: string): string {
  const url = urlOf(place)
  return url === undefined ? place : `${url.origin}${url.pathname}`
}

export function urlOf(place: string): URL | undefined {
  return /^https?:\/\//i.test(place) ? (URL.parse(place) ?? undefined) : undefined
}

async function manifestsAt(places: readonly string[], mistakes: string[]): Promise<string[]> {
  const found: string[] = []
  for (const place of places) {
    if (urlOf(place) !== undefined) {
      found.push(place)
      continue
    }
    try {
      if (!(await stat(place)).isDirectory()) {
        found.push(place)
        continue
      }
      const names = (await readdir(place)).filter((name) => name.toLowerCase().endsWith(SUFFIX)).sort()
      if (names.length === 0)
        mistakes.push(`${place}: has no *${SUFFIX}. Name the manifest itself if it is called otherwise.`)
      found.push(...names.map((name) => join(place, name)))
    } catch (error) {
      mistakes.push(`${place}: ${reasonOf(error)}`)
    }
  }
  return [...new Set(found)]
}

async function readPublication(
  place: string,
  { mistakes, warnings }: { mistakes: string[]; warnings: string[] },
): Promise<Publication | undefined> {
  const title = titleOf(place)
  let bytes: Uint8Array
  try {
    bytes = urlOf(place) === undefined ? await readFile(place) : await download(place)
  } catch (error) {
    mistakes.push(`${title}: ${reasonOf(error)}`)
    return undefined
  }
  const { manifest, errors, warnings: advice } = readImportManifest(bytes)
  const placed = ({ target, message }: { target?: string | undefined; message: string }) =>
    `${title}${target ? ` at ${target}` : ''}: ${message}`
  mistakes.push(...errors.map(placed))
  warnings.push(...advice.map(placed))
  if (manifest === undefined) return undefined
  const files = manifest.files.flatMap((file) => [file, ...file.relatedFiles])
  return {
    title,
    manifest,
    bytes,
    sha256: createHash('sha256').update(bytes).digest('base64'),
    origin: urlOf(place) === undefined ? { path: place } : { url: place },
    files: files.map((file) => publishedFile(file, place)),
  }
}

function publishedFile({ fileName, sizeInBytes, hashes }: ManifestBaseFile, manifestPlace: string): PublishedFile {
  const url = urlOf(manifestPlace)
  if (url === undefined) {
    return {
      fileName,
      sizeInBytes,
      sha256: hashes.sha256 ?? '',
      origin: { path: join(dirname(manifestPlace), fileName) },
    }
  }
  // Beside the manifest, with the same query: the SAS of a container opens both.
  url.pathname = `${url.pathname.slice(0, url.pathname.lastIndexOf('/') + 1)}${encodeURIComponent(fileName)}`
  return { fileName, sizeInBytes, sha256: hashes.sha256 ?? '', origin: { url: url.href } }
}

function override(
  publications: readonly Publication[],
  { overrides, mistakes }: { overrides: readonly string[]; mistakes: string[] },
): void {
  const files = publications.flatMap((publication) => publication.files)
  for (const text of overrides) {
    // A name may have a "=" in it, too.
    const named = files.filter(({ fileName }) => text.toLowerCase().startsWith(`${fileName.toLowerCase()}=`))
    const [first] = named
    const place = text.slice((first?.fileName.length ?? 0) + 1)
    if (first !== undefined && place !== '') {
      for (const file of named) file.origin = urlOf(place) === undefined ? { path: place } : { url: place }
    } else if (first !== undefined || !text.includes('=')) {
      mistakes.push(`--file ${titleOf(text)}: write NAME=PATH-OR-URL, such as toaster.swu=build/toaster.swu.`)
    } else if (publications.length > 0) {
      const known = [...new Set(files.map(({ fileName }) => fileName))].join(', ') || 'none'
      mistakes.push(`--file ${text.slice(0, text.indexOf('='))}: no manifest lists this file. The files are: ${known}.`)
    }
  }
}

function childrenFirst(publications: readonly Publication[]): Publication[] {
  const isParent = ({ manifest }: Publication) => manifest.references.length > 0
  return [...publications.filter((publication) => !isParent(publication)), ...publications.filter(isParent)]
}

/** The server gets the URL of a manifest with its size and hash, so they have to be known here. */
async function download(url: string): Promise<Uint8Array> {
  const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) })
  if (!response.ok || response.body === null) throw new Error(`the source answers with the status ${response.status}.`)
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body) {
    bytes += chunk.byteLength
    if (bytes > LIMITS.manifestBytesMax)
      throw new Error(`has more than the ${LIMITS.manifestBytesMax} bytes that a manifest may have. Is it a manifest?`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function reasonOf(error: unknown): string {
  const { code, message, cause } = Object(error) as {
    code?: string
    message?: string
    cause?: Error & { code?: string }
  }
  if (code === 'ENOENT') return 'is not there.'
  if (code === 'EACCES') return 'cannot be read: permission denied.'
  return cause === undefined ? (message ?? String(error)) : `cannot be read: ${cause.code ?? cause.message}.`
}

/** The name of a file that the manifest itself is uploaded under. */
export function manifestName({ origin }: Publication): string {
  return 'path' in origin ? basename(origin.path) : 'importmanifest.json'
}
