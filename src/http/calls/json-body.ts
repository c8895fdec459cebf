import { countJsonValues } from '../../domain/count-json-values.ts'
import { AppError } from '../../domain/errors.ts'
import { LIMITS } from '../../domain/limits.ts'

/**
 * Reads a body as JSON; an empty one is undefined, since some clients declare JSON with every request, with a deletion too. Throws
 * `AppError('InvalidRequest')` where it is not JSON in UTF-8, or has more than `LIMITS.jsonValuesMax` members and items.
 */
export function readJsonBody(body: Uint8Array): unknown {
  if (body.byteLength === 0) return undefined
  // Before it is parsed: nothing else is answered while that goes on, and each member costs again in every later step.
  if (countJsonValues(body, LIMITS.jsonValuesMax) > LIMITS.jsonValuesMax) {
    throw new AppError(
      'InvalidRequest',
      `The body has more than ${LIMITS.jsonValuesMax} members and items, counted at every depth. ` +
        `An import has at most ${LIMITS.inputsMax} inputs with ${LIMITS.requestFilesMax} files each.`,
      { target: '' },
    )
  }
  try {
    // TextDecoder drops a byte order mark, which Windows tools write.
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new AppError('InvalidRequest', `The body is not JSON: ${reason.slice(0, 200)}`, { target: '' })
  }
}
