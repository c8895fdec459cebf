import { readFile } from 'node:fs/promises'
import { isDeepStrictEqual } from 'node:util'
import { type Assignable, type RoleAssignment, readRoleAssignments } from '../../domain/role-assignments.ts'
import type { Log } from '../../ports/log.ts'

export interface AssignmentsFile {
  /** The assignments of the last good version: the same list until there is another one. */
  current(): readonly RoleAssignment[]
  /** Stops looking for changes. */
  close(): Promise<void>
}

/**
 * Reads the role assignments in the file at `path`, whose form is that of `readRoleAssignments`, and follows its changes:
 * it is read again every `everyMs`, since that notices every way in which a file can be replaced, on every file system.
 * A version that is broken, or a file that is gone, changes nothing and is logged once.
 *
 * Rejects with an `Error` if the first version is not good; its message has one line for every mistake, each with its
 * JSON Pointer.
 */
export async function openAssignmentsFile({
  path,
  assignable,
  everyMs = 2000,
  log,
}: {
  path: string
  assignable: Assignable
  everyMs?: number
  log: Pick<Log, 'info' | 'error'>
}): Promise<AssignmentsFile> {
  /** The bytes, or why they could not be read. */
  let seen: Buffer | string = await readFile(path)
  let assignments = assignmentsIn(seen)
  let timer: NodeJS.Timeout
  let round = Promise.resolve()
  let isClosed = false
  wait()

  function assignmentsIn(bytes: Buffer): readonly RoleAssignment[] {
    const reading = readRoleAssignments(bytes, assignable)
    if (reading.errors.length === 0) return reading.assignments
    throw new Error(reading.errors.map(({ target = '', message }) => `${path}#${target}: ${message}`).join('\n'))
  }

  function wait(): void {
    timer = setTimeout(() => {
      round = look().then(() => {
        if (!isClosed) wait()
      })
    }, everyMs).unref()
  }

  async function look(): Promise<void> {
    const content = await readFile(path).catch(reasonOf)
    if (isDeepStrictEqual(content, seen)) return
    seen = content
    try {
      if (typeof content === 'string') throw new Error(content)
      assignments = assignmentsIn(content)
      log.info({ path, assignments: assignments.length }, 'the role assignments have changed')
    } catch (error) {
      log.error({ path, reason: reasonOf(error) }, 'the role assignments stay as they were, since the file is not good')
    }
  }

  return {
    current: () => assignments,
    async close() {
      isClosed = true
      clearTimeout(timer)
      await round
    },
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
