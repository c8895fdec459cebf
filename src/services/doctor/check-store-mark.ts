import type { BlobStore } from '../../ports/blob-store.ts'
import type { Database } from '../../ports/database.ts'
import { findMark } from '../../store/blobs/store-mark.ts'
import { recogniseStore } from '../blobs/recognise-store.ts'
import type { Step } from './step.ts'

/**
 * Whether the store is the one whose blobs the database names. Otherwise each of its blobs would be a leftover, and everything would be
 * missing.
 */
export function checkStoreMark({
  database,
  blobs,
  title,
  isNamed,
}: {
  database: () => Database
  blobs: () => BlobStore
  title: string
  /** By a setting. A server marks the store that it is given so. */
  isNamed: boolean
}): Step {
  return {
    name: 'store-mark',
    title: 'Store’s mark',
    needs: ['database', 'schema', 'store'],
    async run(pen) {
      await recogniseStore({ database: database(), blobs: blobs() }, { title, mayMark: false })
      if ((await findMark(database())) !== undefined) return 'It is the one of this database.'
      if (!isNamed) return 'It has none and needs none.'
      pen.problem(
        `No server has used ${title} with this database so far, so it is not looked into. Leave --store away if the server does.`,
      )
      return 'It has none.'
    },
  }
}
