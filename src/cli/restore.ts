import { join } from 'node:path'
import { storeTitle } from '../adapters/object-store/store-address.ts'
import { hasKeys, restoreFolder } from '../compose/backup.ts'
import { BACKUP_SETTINGS, KNOWN_SETTINGS } from '../config/command-settings.ts'
import { readSettings } from '../config/read-settings.ts'
import { refuseShared } from './refuse-shared.ts'
import { count } from './terminal/amounts.ts'

/** `aduana restore`: fills an empty data folder from a backup, and says what it has. */
export async function restore(
  flags: Record<string, string | string[] | undefined>,
  { from }: { from: string },
): Promise<void> {
  const config = readSettings(BACKUP_SETTINGS, { flags, environment: process.env, known: KNOWN_SETTINGS })
  refuseShared(config)
  const { data, store } = config
  const description = await restoreFolder({ from, data })
  const { updates, blobs, blobBytes, takenAt, interrupted } = description
  console.log(
    `Restored ${count(updates, 'update')} with ${count(blobs, 'blob')} of ${blobBytes} bytes to ${data}, as of ${takenAt}; every byte was checked.` +
      (interrupted > 0
        ? ` ${count(interrupted, 'operation')} in progress then failed with InterruptedByRestore: import or delete again.`
        : '') +
      (hasKeys(description)
        ? ''
        : ' The backup has no keys: the first start makes new ones, so give out new tokens and the new tls/ca.pem.') +
      // Whether the store of the server is still whole nobody here knows.
      (store === undefined
        ? ''
        : ` The bytes are in ${join(data, 'blobs')}: "aduana move-store --data ${data} --to ${storeTitle(store)}" copies what is missing there.`),
  )
}
