import Type from 'typebox'
import type { ServiceLimits } from '../../domain/service-limits.ts'
import type { Database } from '../../ports/database.ts'
import { countStorage, type StorageUse } from '../../store/updates/usage.ts'
import { json } from '../calls/answers.ts'
import type { ApiRoute } from '../calls/call.ts'
import { describe, document } from '../route-schemas.ts'

export const Usage = Type.Object(
  {
    updates: Type.Integer({ minimum: 0 }),
    files: Type.Integer({ minimum: 0, description: 'Files and related files of all updates.' }),
    sizeInBytes: Type.Integer({ minimum: 0, description: 'The sum of the sizes of all files, as quotas count it.' }),
    storedBytes: Type.Integer({
      minimum: 0,
      description: 'What is stored for them: files of the same content share it. Other instances may share it, too.',
    }),
    limits: Type.Object(
      { updates: Type.Optional(Type.Integer()), sizeInBytes: Type.Optional(Type.Integer()) },
      { description: 'The quotas of the instance; absent where none holds.' },
    ),
    largest: Type.Array(
      Type.Object({
        provider: Type.String(),
        name: Type.String(),
        updates: Type.Integer({ minimum: 1 }),
        sizeInBytes: Type.Integer({ minimum: 0 }),
      }),
      { description: 'The names whose versions take most, the largest first.' },
    ),
  },
  { $id: 'Usage', description: 'What the updates of an instance take.' },
)

/** As many as a picture has room for. */
const LARGEST_MAX = 10

/** What the updates of an instance take. */
export function usageRoute({ database, limits }: { database: Database; limits: ServiceLimits }): ApiRoute {
  const counting = new Map<string, Promise<StorageUse>>()

  /** Who asks while it is counted gets the same answer: each counting reads all that there is. */
  function count(instance: string): Promise<StorageUse> {
    const running = counting.get(instance)
    if (running !== undefined) return running
    const begun = countStorage(database, { instance, largestMax: LARGEST_MAX }).finally(() => counting.delete(instance))
    counting.set(instance, begun)
    return begun
  }

  return {
    method: 'GET',
    path: '/usage',
    permission: 'updates/read',
    schema: describe(
      {
        operationId: 'Aduana_GetUsage',
        summary: 'Get what the updates of an instance take',
        description: 'Counts now; in a large catalogue that takes a moment.',
      },
      document(Usage),
    ),
    async handle({ instance }) {
      const { updates, files, bytes, storedBytes, largest } = await count(instance)
      return json({
        updates,
        files,
        sizeInBytes: bytes,
        storedBytes,
        limits: { updates: limits.updates, sizeInBytes: limits.bytes },
        largest: largest.map(({ bytes: sizeInBytes, ...name }) => ({ ...name, sizeInBytes })),
      })
    },
  }
}
