import { backUpFolder, hasKeys } from '../compose/backup.ts'
import { BACKUP_SETTINGS, KNOWN_SETTINGS } from '../config/command-settings.ts'
import { readSettings } from '../config/read-settings.ts'
import { refuseShared } from './refuse-shared.ts'
import { count } from './terminal/amounts.ts'

export interface BackupOptions {
  to: string
  verify?: boolean
  withoutKeys?: boolean
  json?: boolean
}

/** `aduana backup`: makes a backup beside whatever else goes on, and says what it has. */
export async function backUp(
  flags: Record<string, string | string[] | undefined>,
  { to, verify = false, withoutKeys = false, json = false }: BackupOptions,
): Promise<void> {
  const config = readSettings(BACKUP_SETTINGS, { flags, environment: process.env, known: KNOWN_SETTINGS })
  refuseShared(config)
  const { data, store } = config
  const report = await backUpFolder({ data, store, to, verify, withKeys: !withoutKeys })
  if (json) {
    console.log(JSON.stringify({ ...report, hasKeys: hasKeys(report) }))
    return
  }
  const { updates, blobs, blobBytes, copiedBlobs, copiedBytes, removedBlobs, interrupted } = report
  console.log(
    `Backed up ${count(updates, 'update')} with ${count(blobs, 'blob')} of ${blobBytes} bytes to ${to}, as of ${report.takenAt}. ` +
      `${count(copiedBlobs, 'blob')} of ${copiedBytes} bytes came in, ${count(removedBlobs, 'blob')} went out.` +
      (interrupted > 0 ? ` ${count(interrupted, 'operation')} in progress will have failed after a restore.` : '') +
      (hasKeys(report)
        ? ' Keep it secret: the keys of the server are in it.'
        : ' The keys of the server are not in it.'),
  )
}
