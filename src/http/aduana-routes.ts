import { wireTime } from '../domain/times.ts'
import type { Database } from '../ports/database.ts'
import { listFiles } from '../store/files.ts'
import { listItems } from '../store/operation-items.ts'
import { listProgress } from '../store/progress.ts'
import { json } from './answers.ts'
import type { ApiRoute } from './call.ts'
import { errorMembers, updateMembers } from './dialects/members.ts'
import { getOperation } from './operation-routes.ts'
import { describe, document } from './route-schemas.ts'
import { OperationWithProgress, UpdateWithContent } from './schemas.ts'
import { getUpdate } from './update-routes.ts'

/** Aduana's own additions. They never live inside the paths of the original service, whose documents keep their exact members. */
export function aduanaRoutes({
  database,
  publicUrl,
}: {
  database: Database
  publicUrl: string | undefined
}): ApiRoute[] {
  return [
    {
      method: 'GET',
      path: '/updates/providers/:provider/names/:name/versions/:version',
      permission: 'updates/read',
      schema: describe(
        { operationId: 'Aduana_GetUpdate', summary: 'Get Update with the addresses of its content' },
        document(UpdateWithContent),
      ),
      async handle(call) {
        const update = await getUpdate(database, call)
        const files = await listFiles(database, update.id)
        const base = publicUrl ?? call.origin
        const addressed = (file: {
          fileId: string
          fileName: string
          contentId: string
          sizeInBytes: number
          hashes: Record<string, string>
        }) => ({
          fileId: file.fileId,
          fileName: file.fileName,
          sizeInBytes: file.sizeInBytes,
          hashes: file.hashes,
          contentUrl: `${base}/content/${file.contentId}/${encodeURIComponent(file.fileName)}`,
        })
        return json({
          ...(updateMembers(update) as object),
          files: files.map((file) => ({
            ...addressed(file),
            ...(file.relatedFiles.length > 0 && { relatedFiles: file.relatedFiles.map(addressed) }),
          })),
        })
      },
    },
    {
      method: 'GET',
      path: '/operations/:operationId',
      permission: 'updates/read',
      schema: describe(
        { operationId: 'Aduana_GetOperation', summary: 'Get Operation with its progress' },
        document(OperationWithProgress),
      ),
      async handle(call) {
        const operation = await getOperation(database, call)
        const { operationId, kind, status, error, createdAt, lastActionAt } = operation
        const updates = await listItems(database, operationId)
        const files = await listProgress(database, operationId)
        return json({
          operationId,
          kind,
          status,
          updates: updates.map(({ updateId, ...info }) => ({ updateId: { ...updateId }, ...info })),
          files: files.map(({ item, fileName, sizeInBytes, bytesDone, phase }) => ({
            item,
            fileName,
            sizeInBytes,
            bytesDone,
            phase,
          })),
          error: error && errorMembers(error),
          createdDateTime: wireTime(createdAt),
          lastActionDateTime: wireTime(lastActionAt),
        })
      },
    },
  ]
}
