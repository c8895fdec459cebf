import { AppError } from '../../domain/errors.ts'
import { isDatabaseFailure } from '../operations/attempt-end.ts'

/** Turns what the store throws into an error that says which file it could not keep: `StoreFull` or `StoreFailed`. */
export async function keeping<T>({ title }: { title: string }, storing: Promise<T>): Promise<T> {
  try {
    return await storing
  } catch (error) {
    // What is stored is noted as well, and then it is not the store that failed.
    if (isDatabaseFailure(error)) throw error
    const reason = error instanceof Error ? error.message : String(error)
    const code = isFull(error) ? 'StoreFull' : 'StoreFailed'
    throw new AppError(code, `${title} could not be kept by the store: ${reason}`, { cause: error, mayRecover: true })
  }
}

function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && FULL.has(String(error.code))
}

// What the operating system says where nothing more fits: disk, quota, largest file.
const FULL = new Set(['StoreFull', 'ENOSPC', 'EDQUOT', 'EFBIG'])
