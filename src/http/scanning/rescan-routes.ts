import { Compile } from 'typebox/compile'
import { AppError } from '../../domain/errors.ts'
import type { JsonValue } from '../../domain/json-text.ts'
import { wireTime } from '../../domain/times.ts'
import type { Database } from '../../ports/database.ts'
import type { Scanner } from '../../ports/scanner.ts'
import type { Audit } from '../../services/audit.ts'
import { acceptRescan } from '../../services/scanning/accept-rescan.ts'
import { rescanProgress } from '../../services/scanning/rescan-progress.ts'
import { json } from '../calls/answers.ts'
import type { ApiRoute } from '../calls/call.ts'
import { acceptedWith, describe, document } from '../route-schemas.ts'
import { Rescan, RescanInput } from './rescan-schemas.ts'

const rescanInput = Compile(RescanInput)

/** The rescan of an instance: asked for, and how far it is. */
export function rescanRoutes({
  database,
  audit,
  scanner,
}: {
  database: Database
  audit: Audit
  scanner?: Scanner | undefined
}): ApiRoute[] {
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
