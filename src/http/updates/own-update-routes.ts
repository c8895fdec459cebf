import Type from 'typebox'
import { AppError } from '../../domain/errors.ts'
import type { RelatedFile } from '../../domain/update.ts'
import type { BlobStore } from '../../ports/blob-store.ts'
import type { Database } from '../../ports/database.ts'
import { findManifestBlob, listChildren } from '../../store/updates/updates.ts'
import { json } from '../calls/answers.ts'
import type { ApiRoute } from '../calls/call.ts'
import { fileMembers, updateMembers } from '../dialects/members.ts'
import { findDownloads, type ShownStore } from '../distribution/distribution.ts'
import { describe, document } from '../route-schemas.ts'
import { getUpdateWithFiles } from './update-routes.ts'
import { UpdateWithContent } from './update-schemas.ts'

const UPDATE = '/updates/providers/:provider/names/:name/versions/:version'

/** An update as Aduana itself shows it: with everything that is known of it. */
export function ownUpdateRoutes(options: {
  database: Database
  blobs: BlobStore
  publicUrl: string | undefined
  distribution?: readonly ShownStore[] | undefined
}): ApiRoute[] {
  const { database, blobs, publicUrl } = options
  return [
    {
      method: 'GET',
      path: UPDATE,
      permission: 'updates/read',
      schema: describe(
        { operationId: 'Aduana_GetUpdate', summary: 'Get Update with the addresses of its content' },
        document(UpdateWithContent),
      ),
      async handle(call) {
        const { update, files } = await getUpdateWithFiles(database, call)
        const downloads = await findDownloads(options, { updateId: update.id, base: publicUrl ?? call.origin() })
        const references = await listChildren(database, update.id)
        const addressed = (file: RelatedFile) => ({ fileId: file.fileId, ...fileMembers(file), ...downloads(file) })
        return json({
          ...(updateMembers(update) as object),
          operationId: update.operationId,
          references: references.length > 0 ? references.map((child) => ({ ...child })) : undefined,
          files: files.map((file) => ({
            ...addressed(file),
            ...(file.relatedFiles.length > 0 && { relatedFiles: file.relatedFiles.map(addressed) }),
            downloadHandler: file.downloadHandlerId === undefined ? undefined : { id: file.downloadHandlerId },
          })),
        })
      },
    },
    {
      method: 'GET',
      path: `${UPDATE}/manifest`,
      permission: 'updates/read',
      schema: describe(
        {
          operationId: 'Aduana_GetImportManifest',
          summary: 'Get the import manifest that an update was imported with',
          description: 'To the letter, as it was fetched.',
        },
        {
          response: {
            200: { description: 'The import manifest', content: { 'application/json': { schema: Type.Unsafe({}) } } },
          },
        },
      ),
      async handle(call) {
        const { update } = await getUpdateWithFiles(database, call)
        const blob = await findManifestBlob(database, update.id)
        if (blob === undefined) throw new AppError('NotFound', 'The update was deleted meanwhile.')
        // A manifest was read as UTF-8 before it was imported, and has at most 1 MiB.
        const bytes = await Array.fromAsync(await blobs.open(blob))
        const headers = { 'x-content-type-options': 'nosniff', 'content-security-policy': 'sandbox' }
        return { status: 200, headers, body: Buffer.concat(bytes).toString() }
      },
    },
  ]
}
