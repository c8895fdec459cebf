import { hasKeys, restoreFolder } from '../compose/backup.ts'
import { BACKUP_SETTINGS, KNOWN_SETTINGS } from '../config/command-settings.ts'
import { readSettings } from '../config/read-settings.ts'
import { count } from './backup.ts'

/** `aduana restore`: fills an empty data folder from a backup, and says what it has. */
export async function restore(
  flags: Record<string, string | string[] | undefined>,
  { from }: { from: string },
): Promise<void> {
  const { data } = readSettings(BACKUP_SETTINGS, { flags, environment: process.env, known: KNOWN_SETTINGS })
  const description = await restoreFolder({ from, data })
  const { updates, blobs, blobBytes, takenAt, interrupted } = description
  console.log(
    `Restored ${count(updates, 'update')} with ${count(blobs, 'blob')} of ${blobBytes} bytes to ${data}, as of ${takenAt}; every byte was checked.` +
      (interrupted > 0
        ? ` ${count(interrupted, 'operation')} in progress then failed with InterruptedByRestore: import or delete again.`
        : '') +
      (hasKeys(description)
        ? ''
        : ' The backup has no keys: the first start makes new ones, so give out new tokens and the new tls/ca.pem.'),
  )
}
