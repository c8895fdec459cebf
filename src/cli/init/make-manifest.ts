import { basename } from 'node:path'
import { ConfigurationError } from '../../config/read-settings.ts'
import { type Judgement, judgeChoices } from '../../domain/authoring/judge-choices.ts'
import type { Place } from '../../domain/authoring/place-of.ts'
import { addNeededProperties } from '../../domain/authoring/suggest-property.ts'
import { formatUpdateId } from '../../domain/update-id.ts'
import { readAptPayload } from '../read-apt-payload.ts'
import { withoutControls } from '../without-controls.ts'
import type { Draft } from './draft.ts'
import { type DraftChoices, draftChoices, inlineSteps, type Measured } from './draft-choices.ts'
import type { FlagGroup } from './flags.ts'
import { hashProgress } from './hash-progress.ts'
import { type FoundFile, findFile, hashFile } from './measure-files.ts'
import { missingFlags } from './missing-flags.ts'
import { readFlags } from './read-flags.ts'
import { refuseExisting, writeOutput } from './write-output.ts'

/**
 * `aduana init`: an import manifest from flags and files, and from answers where a person sits at a terminal and flags are
 * missing. Findings and notes go to standard error. Throws a `ConfigurationError` with every mistake, told by the flags.
 */
export async function makeManifest(groups: readonly FlagGroup[], { force }: { force: boolean }): Promise<void> {
  const { draft, mistakes } = readFlags(groups)
  refuseExisting(draft.output, { force })
  let mayReplace = force
  const isAtTerminal = process.stdin.isTTY && process.stderr.isTTY
  if (missingFlags(draft).length > 0 && mistakes.length === 0 && isAtTerminal) {
    const { askForMissing } = await import('./ask-for-missing.ts')
    mayReplace = (await askForMissing(draft)).mayReplace || force
  }
  const missing = new Set(missingFlags(draft).map(({ flag }) => flag))
  if (missing.size > 0) {
    const hint = isAtTerminal ? '' : ' On a terminal, aduana init asks for them.'
    mistakes.unshift(`These flags are missing: ${[...missing].join(', ')}.${hint}`)
  }
  const createdDateTime = `${new Date().toISOString().slice(0, 19)}Z`
  const files = await findFiles(draft, mistakes)
  const notes = await completeSteps(draft, files)
  // Everything but the hashes is judged first, since reading the files may take long.
  const unread = draftChoices(draft, { measured: (path) => files.get(path) ?? absent(path), createdDateTime })
  refuse([...mistakes, ...unread.mistakes, ...errorsOf(judgeChoices(unread.choices), unread, draft)])

  const measured = await hashFiles(files)
  const { choices, nameOf, ...read } = draftChoices(draft, {
    measured: (path) => measured.get(path) ?? absent(path),
    createdDateTime,
  })
  const judgement = judgeChoices(choices)
  refuse([...read.mistakes, ...errorsOf(judgement, { nameOf }, draft)])
  for (const note of notes) tell(note)
  for (const { place, message } of judgement.warnings) tell(`warning: ${nameOf(place)}: ${message}`)
  if (draft.output === undefined) {
    process.stdout.write(judgement.text)
    return
  }
  writeOutput(draft.output, judgement.text, { force: mayReplace })
  tell(`wrote ${draft.output}: ${formatUpdateId(choices.updateId)} (manifest ${draft.manifestVersion})`)
}

/** Every path once. Those that cannot be read are told in `mistakes`. */
async function findFiles(draft: Draft, mistakes: string[]): Promise<Map<string, Measured & FoundFile>> {
  const found = new Map<string, Measured & FoundFile>()
  const named = inlineSteps(draft).flatMap(({ files }) =>
    files.flatMap(({ path, relatedFiles }) => [
      { flag: '--file', path },
      ...relatedFiles.map(({ path }) => ({ flag: '--related-file', path })),
    ]),
  )
  for (const { flag, path } of named) {
    if (found.has(path)) continue
    try {
      found.set(path, { ...(await findFile(path)), sha256: UNREAD_SHA256 })
    } catch (error) {
      mistakes.push(`${flag} ${path}: ${error instanceof Error ? error.message : error}`)
      found.set(path, { ...absent(path), realPath: path })
    }
  }
  return found
}

/** Adds what handlers need and what follows from the rest. Answers the sentences that say so. */
async function completeSteps(draft: Draft, files: Map<string, Measured>): Promise<string[]> {
  const notes: string[] = []
  const { manifestVersion } = draft
  // Without a version nothing will be written.
  const { version = '1.0' } = draft.updateId
  for (const step of inlineSteps(draft)) {
    const { handler, properties: handlerProperties, label = '--handler' } = step
    if (handler === undefined) continue
    const names = step.fileNames ?? step.files.map(({ path }) => files.get(path)?.fileName ?? path)
    const apt = handler === 'microsoft/apt:1' && step.files[0] && (await readAptPayload(step.files[0].path))
    if (apt) notes.push(...apt.lines.map((line) => `warning: --file ${step.files[0]?.path}: ${line}`))
    const { added } = addNeededProperties(
      { type: 'inline', handler, handlerProperties, files: names },
      { manifestVersion, version, aptManifest: apt ? apt.aptManifest : undefined },
    )
    step.properties.push(...added)
    const needs = manifestVersion === '2.0' ? 'manifest 2.0' : handler
    notes.push(...added.map(({ name, value }) => `note: ${label}: ${needs} needs ${name}; wrote "${value}".`))
  }
  return notes
}

/** What the reader of manifests finds wrong, in terms of flags; without what only follows from a flag that is missing. */
function errorsOf({ errors }: Judgement, { nameOf }: Pick<DraftChoices, 'nameOf'>, draft: Draft): string[] {
  const told: Place[] = [
    ...missingFlags(draft).map(({ place }) => place),
    // A step without handler and a --compat without a single pair were refused as such.
    ...draft.steps.flatMap((step, i) => (step.type === 'inline' && step.handler === undefined ? [['steps', i]] : [])),
    ...draft.compatibility.flatMap((properties, i) => (properties.length === 0 ? [['compatibility', i]] : [])),
  ]
  return errors
    .filter(({ place }) => !told.some((outer) => isInside(outer, place)))
    .map(({ code, message, place }) => `${nameOf(place)}: ${message} (${code})`)
}

function isInside(outer: Place, place: Place): boolean {
  return outer.length === 0 ? place.length === 0 : outer.every((part, i) => place[i] === part)
}

async function hashFiles(files: Map<string, FoundFile>): Promise<Map<string, Measured>> {
  const sizes = new Map([...files.values()].map(({ realPath, sizeInBytes }) => [realPath, sizeInBytes]))
  const progress = await hashProgress([...sizes.values()].reduce((sum, size) => sum + size, 0))
  const hashes = new Map<string, { sizeInBytes: number; sha256: string }>()
  try {
    for (const realPath of sizes.keys()) hashes.set(realPath, await hashFile(realPath, { onBytes: progress.add }))
  } finally {
    progress.end()
  }
  const measured = new Map<string, Measured>()
  for (const [path, { fileName, realPath }] of files) {
    const { sizeInBytes, sha256 } = hashes.get(realPath) ?? absent(path)
    measured.set(path, { fileName, sizeInBytes, sha256 })
  }
  return measured
}

/** Stands for a digest while the bytes have not been read. */
const UNREAD_SHA256 = `${'A'.repeat(43)}=`

/** Stands for a file that is not there, which is told already. */
function absent(path: string): Measured {
  return { fileName: basename(path), sizeInBytes: 1, sha256: UNREAD_SHA256 }
}

function refuse(mistakes: readonly string[]): void {
  if (mistakes.length > 0) throw new ConfigurationError(mistakes.map(withoutControls))
}

function tell(line: string): void {
  console.error(`aduana: ${withoutControls(line)}`)
}
