import { useCallback, useEffect, useRef, useState } from 'react'
import { looksLikeAptManifest, readAptManifest } from '../../../../src/domain/authoring/apt-manifest.ts'
import { LIMITS } from '../../../../src/domain/limits.ts'
import { readImportManifest } from '../../../../src/domain/read-import-manifest.ts'
import { createHasher, type Hasher } from './hasher.ts'
import { isImportManifest } from './is-import-manifest.ts'
import { type FileAtPath, type Hashing, nameOf, type PickedFile, type PickedManifest } from './picked-file.ts'

export interface Files {
  manifests: readonly PickedManifest[]
  /** Everything else. */
  payload: readonly PickedFile[]
  /** Answers what was added, once it is known what is a manifest. What lies at a path that is known already takes its place. */
  add(given: readonly FileAtPath[]): Promise<{ manifests: number; payload: readonly PickedFile[] }>
  remove(key: string): void
  clear(): void
  /** The digest of something that is no file of the list. */
  hash(blob: Blob): Promise<string>
}

/** Files that the visitor dropped or chose, beginning with those from `before`. Nothing of them leaves the browser here. */
export function useFiles(before?: Pick<Files, 'manifests' | 'payload'>): Files {
  const [manifests, setManifests] = useState(before?.manifests ?? [])
  const [payload, setPayload] = useState(before?.payload ?? [])
  const hasher = useRef<Hasher>(undefined)
  const count = useRef(Math.max(0, ...[...manifests, ...payload].map(({ key }) => Number(key))))
  const hashing = useRef(new Map<string, AbortController>())
  useEffect(
    () => () => {
      hasher.current?.close()
      hasher.current = undefined
    },
    [],
  )

  const hash = useCallback((blob: Blob) => {
    hasher.current ??= createHasher()
    return hasher.current.hash(blob)
  }, [])

  const begin = useCallback(({ key, file }: PickedFile) => {
    const settle = (next: Hashing) =>
      setPayload((files) => files.map((one) => (one.key === key ? { ...one, hashing: next } : one)))
    const stop = new AbortController()
    hashing.current.set(key, stop)
    hasher.current ??= createHasher()
    hasher.current
      .hash(file, { signal: stop.signal, onProgress: (bytesDone) => settle({ kind: 'running', bytesDone }) })
      .then(
        (sha256) => settle({ kind: 'done', sha256 }),
        () => settle({ kind: 'failed' }),
      )
      .finally(() => hashing.current.delete(key))
  }, [])

  const add = useCallback(
    async (given: readonly FileAtPath[]) => {
      const found = await Promise.all(
        given.map(async (one) => {
          count.current += 1
          return await recognise(one, { key: String(count.current), hash })
        }),
      )
      const newManifests = found.filter((one) => 'reading' in one)
      const newPayload = found.filter((one) => 'hashing' in one)
      const isReplaced = ({ path }: FileAtPath) => found.some((one) => one.path === path)
      setManifests((known) => [...known.filter((one) => !isReplaced(one)), ...newManifests])
      setPayload((known) => {
        for (const { key } of known.filter(isReplaced)) hashing.current.get(key)?.abort()
        return [...known.filter((one) => !isReplaced(one)), ...newPayload]
      })
      for (const file of newPayload) begin(file)
      return { manifests: newManifests.length, payload: newPayload }
    },
    [begin, hash],
  )

  const remove = useCallback((key: string) => {
    hashing.current.get(key)?.abort()
    setManifests((known) => known.filter((one) => one.key !== key))
    setPayload((known) => known.filter((one) => one.key !== key))
  }, [])

  const clear = useCallback(() => {
    for (const stop of hashing.current.values()) stop.abort()
    setManifests([])
    setPayload([])
  }, [])

  return { manifests, payload, add, remove, clear, hash }
}

async function recognise(
  { path, file }: FileAtPath,
  { key, hash }: { key: string; hash: (blob: Blob) => Promise<string> },
): Promise<PickedManifest | PickedFile> {
  const name = nameOf(path)
  const picked: PickedFile = { key, path, name, file, hashing: { kind: 'running', bytesDone: 0 } }
  // Larger than a manifest may be, so it is payload, or else a mistake that the manifest's own name tells.
  if (file.size > LIMITS.manifestBytesMax + 1 || !/\.json$/i.test(name)) return picked
  try {
    const bytes = new Uint8Array(await file.arrayBuffer())
    if (isImportManifest(name, bytes)) {
      return { key, path, name, file, sha256: await hash(file), reading: readImportManifest(bytes) }
    }
    return looksLikeAptManifest(bytes) ? { ...picked, aptManifest: readAptManifest(bytes).aptManifest } : picked
  } catch {
    // Whoever hashes it tells that it cannot be read.
    return picked
  }
}
