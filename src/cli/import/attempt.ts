import { sameUpdate } from '../../domain/update-id.ts'
import type { Connection } from '../connect.ts'
import type { TransferView } from '../terminal/transfers.ts'
import type { Publication } from './read-publications.ts'
import type { Remembered } from './remembered.ts'

/** One run of the command. */
export interface Attempt {
  publications: readonly Publication[]
  connection: Connection
  remembered: Remembered
  view: TransferView
  friendlyName: string | undefined
  /** Nothing but the outcome is printed. */
  json: boolean
}

/** By what the operation is remembered: the manifests say what every file must be. */
export function operationAs({ publications, connection: { server, instance } }: Attempt): string[] {
  return ['operation', server, instance, ...publications.map(({ sha256 }) => sha256).sort()]
}

/** Whether another one of the publications references this one. */
export function isChild({ manifest }: Publication, publications: readonly Publication[]): boolean {
  return publications.some((other) =>
    other.manifest.references.some(({ updateId }) => sameUpdate(updateId, manifest.updateId)),
  )
}
