import { randomUUID } from 'node:crypto'
import { constants, copyFileSync, existsSync, linkSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/** Throws an `Error` with a sentence if `writeOutput` would not replace what is there. */
export function refuseExisting(path: string | undefined, { force }: { force: boolean }): void {
  if (path !== undefined && !force && existsSync(path)) throw new Error(existsMessage(path))
}

/**
 * Writes a file whole or not at all. One that is there already, or comes into being meanwhile, is replaced only by `force`.
 * Throws an `Error` with a sentence.
 */
export function writeOutput(path: string, text: string, { force }: { force: boolean }): void {
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}`)
  try {
    writeFileSync(temporary, text, { flag: 'wx' })
    if (force) renameSync(temporary, path)
    else placeNew(temporary, path)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new Error(code === 'EEXIST' ? existsMessage(path) : `${path} cannot be written: ${message}`, { cause: error })
  } finally {
    rmSync(temporary, { force: true })
  }
}

/** A rename would replace what another process put there in the meantime. */
function placeNew(temporary: string, path: string): void {
  try {
    linkSync(temporary, path)
  } catch (error) {
    // Not every file system has hard links.
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw error
    copyFileSync(temporary, path, constants.COPYFILE_EXCL)
  }
}

function existsMessage(path: string): string {
  return `${path} is there already. Choose another name, or replace it with --force.`
}
