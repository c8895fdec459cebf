import type { FastifyBaseLogger } from 'fastify'
import { Compile } from 'typebox/compile'
import { AppError } from '../domain/errors.ts'
import type { JsonValue } from '../domain/json-text.ts'
import { wireTime } from '../domain/times.ts'
import type { Database } from '../ports/database.ts'
import type { Scanner } from '../ports/scanner.ts'
import { acceptRescan } from '../services/accept-rescan.ts'
import type { Audit } from '../services/audit.ts'
import { rescanProgress } from '../services/rescan-progress.ts'
import { json } from './answers.ts'
import type { ApiRoute } from './call.ts'
import { updateMembers } from './dialects/members.ts'
import { distributionRoute, findDownloads, type ShownStore } from './distribution.ts'
import { ownOperationRoutes } from './own-operation-routes.ts'
import { acceptedWith, describe, document } from './route-schemas.ts'
import { Rescan, RescanInput, UpdateWithContent } from './schemas.ts'
import { getUpdateWithFiles } from './update-routes.ts'

const rescanInput = Compile(RescanInput)

/** Aduana's own additions. They never live inside the paths of the original service, whose documents keep their exact members. */
export function aduanaRoutes(options: {
  database: Database
  audit: Audit
  scanner?: Scanner | undefined
  publicUrl: string | undefined
  distribution?: readonly ShownStore[] | undefined
  log: FastifyBaseLogger
}): ApiRoute[] {
  const { database, audit, scanner, publicUrl } = options

  async function rescanOf(instance: string): Promise<JsonValue> {
    const progress = await rescanProgress({ database, scanner }, instance)
    if (progress === undefined) throw new AppError('NotFound', 'No rescan was asked for in this instance.')
    const { wantedAt, endedAt, total, remaining, infected, notScanned, infectedUpdates, problems } = progress
    return {
      wantedDateTime: wireTime(wantedAt),
      ...(endedAt !== undefined && { endedDateTime: wireTime(endedAt) }),
      total,
      remaining,
      infected,
      notScanned,
      infectedUpdates: infectedUpdates.map((updateId) => ({ ...updateId })),
      problems,
    }
  }

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
        const { update, files } = await getUpdateWithFiles(database, call)
        const downloads = await findDownloads(options, { updateId: update.id, base: publicUrl ?? call.origin() })
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
          ...downloads(file),
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
    ...ownOperationRoutes(options),
    {
      method: 'POST',
      path: '/rescan',
      permission: 'updates/write',
      schema: describe(
        {
          operationId: 'Aduana_Rescan',
          summary: 'Scan for malware again',
          description:
            'Everything in the instance, or only what has no verdict of the signatures now in force. Content goes on being served ' +
            'meanwhile; once found infected, it is withdrawn and its updates are marked.',
        },
        acceptedWith(Rescan, { body: RescanInput }),
      ),
      async handle({ instance, body, caller }) {
        await acceptRescan({ database, audit, scanner }, { instance, everything: readEverything(body), caller })
        return { ...json(await rescanOf(instance)), status: 202 }
      },
    },
    {
      method: 'GET',
      path: '/rescan',
      permission: 'updates/read',
      schema: describe(
        { operationId: 'Aduana_GetRescan', summary: 'Get the progress of the last rescan' },
        document(Rescan),
      ),
      handle: async ({ instance }) => json(await rescanOf(instance)),
    },
    distributionRoute(options),
  ]
}

function readEverything(body: unknown): boolean {
  if (body === undefined) return false
  const [error] = rescanInput.Errors(body)
  if (error !== undefined) {
    throw new AppError('InvalidRequest', `${error.instancePath || 'the body'} ${error.message}.`, {
      target: error.instancePath,
    })
  }
  return (body as { everything?: boolean }).everything ?? false
}
