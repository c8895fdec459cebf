import Type from 'typebox'
import { AppError } from '../../domain/errors.ts'
import { type Acceptance, acceptCheck } from '../../services/operations/accept-operation.ts'
import { acceptedAt } from '../calls/answers.ts'
import type { ApiRoute } from '../calls/call.ts'
import { accepted, describe } from '../route-schemas.ts'
import { readImportBody } from './import-body.ts'
import { ImportUpdateInput } from './import-schemas.ts'

/** The dry run: judges an import and keeps nothing of it. */
export function checkRoute(acceptance: Acceptance): ApiRoute {
  return {
    method: 'POST',
    path: '/updates::check',
    permission: 'updates/write',
    schema: describe(
      {
        operationId: 'Aduana_CheckUpdate',
        summary: 'Check what an import would say',
        description:
          'Judges everything that an import of the same body would, in the background, and keeps nothing. The operation succeeds where ' +
          'nothing speaks against the import; otherwise it fails, and `error.details` has everything that was found at once.',
      },
      accepted(
        { sendsLocation: false },
        {
          body: ImportUpdateInput,
          querystring: Type.Object({
            deep: Type.Optional(
              Type.Boolean({
                default: false,
                description:
                  'Read every byte, compare the hashes and scan for malware. Otherwise sources are only asked.',
              }),
            ),
          }),
        },
      ),
    ),
    async handle({ instance, body, query, caller }) {
      const { inputs } = readImportBody(body, { filesRequired: false })
      const request = { inputs, isDeep: readDeep(query.deep) }
      const operationId = await acceptCheck(acceptance, { instance, request, caller })
      return acceptedAt(`/aduana/v1/${instance}/operations/${operationId}`)
    },
  }
}

function readDeep(text = 'false'): boolean {
  const word = text.toLowerCase()
  if (word === 'true' || word === 'false') return word === 'true'
  throw new AppError('InvalidRequest', 'deep must be true or false.', { target: 'deep' })
}
