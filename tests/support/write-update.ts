import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { UpdateId } from '../../src/domain/update-id.ts'
import type { UpdateRecipe } from './publish-update.ts'
import { unpublishedUpdate } from './stage.ts'

/** Writes an update into a folder as a publisher has it: the manifest, and its files beside it. Answers the path of the manifest. */
export function writeUpdate(folder: string, recipe: UpdateRecipe = {}): { path: string; updateId: UpdateId } {
  const { updateId, manifestBytes, payloads } = unpublishedUpdate(recipe)
  const { provider, name, version } = updateId
  mkdirSync(folder, { recursive: true })
  const path = join(folder, `${provider}.${name}.${version}.importmanifest.json`.toLowerCase())
  writeFileSync(path, manifestBytes)
  for (const [fileName, bytes] of payloads) writeFileSync(join(folder, fileName), bytes)
  return { path, updateId }
}
