import type { StatsFs } from 'node:fs'
import { AppError } from '../../domain/errors.ts'

const RESERVE_BYTES_MAX = 64 * 1024 * 1024

/**
 * Throws `AppError('StoreFull')` unless a disk has room for a file beside what other writers are `promised`. A little is kept back, at
 * most a twentieth of the disk, so that the database on it can still note what happened.
 */
export function refuseFull(
  { bavail, blocks, bsize }: Pick<StatsFs, 'bavail' | 'blocks' | 'bsize'>,
  { name, sizeInBytes, promisedBytes }: { name: string; sizeInBytes: number; promisedBytes: number },
): void {
  const reserveBytes = Math.min(RESERVE_BYTES_MAX, Math.floor((blocks * bsize) / 20))
  const freeBytes = bavail * bsize
  if (freeBytes - reserveBytes - promisedBytes >= sizeInBytes) return
  const others = promisedBytes > 0 ? `, ${promisedBytes} of them promised to other files,` : ''
  throw new AppError(
    'StoreFull',
    `the disk has ${freeBytes} bytes free${others} and ${reserveBytes} are kept back; ${sizeInBytes} are needed.`,
    { target: name },
  )
}
