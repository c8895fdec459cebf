import { AppError } from '../../domain/errors.ts'
import { type OperationStatus, OPERATION_STATUSES as STATUSES } from '../../domain/operation.ts'

/** Reads `isDeployable eq true|false` (REST API 2022-10-01, List Updates and List Versions). */
export function readUpdateFilter(filter: string | undefined): boolean | undefined {
  if (filter === undefined || filter.trim() === '') return undefined
  const match = /^\s*isDeployable\s+eq\s+(true|false)\s*$/i.exec(filter)
  if (match?.[1] === undefined) {
    throw new AppError('InvalidRequest', 'The filter must be "isDeployable eq true" or "isDeployable eq false".', {
      target: 'filter',
    })
  }
  return match[1].toLowerCase() === 'true'
}

/** Reads `status eq 'NotStarted' or status eq 'Running'` (REST API 2022-10-01, List Operations), with any of the statuses. */
export function readOperationFilter(filter: string | undefined): OperationStatus[] | undefined {
  if (filter === undefined || filter.trim() === '') return undefined
  const terms = filter.slice(0, 1000).split(/\s+or\s+/i)
  const statuses = terms.map((term) => {
    const match = /^\s*status\s+eq\s+'(\w+)'\s*$/i.exec(term)
    const status = STATUSES.find((known) => known.toLowerCase() === match?.[1]?.toLowerCase())
    if (status === undefined) {
      throw new AppError(
        'InvalidRequest',
        `The filter must be "status eq 'NotStarted' or status eq 'Running'", with one or more of ${STATUSES.join(', ')}.`,
        { target: 'filter' },
      )
    }
    return status
  })
  return [...new Set(statuses)]
}

/** Reads a list of words with commas, such as `status=NotStarted,Running`, in any letter case. Absent and empty mean no filter. */
export function readWords<Word extends string>(
  target: string,
  text: string | undefined,
  words: readonly Word[],
): Word[] | undefined {
  if (text === undefined || text.trim() === '') return undefined
  const found = text
    .slice(0, 1000)
    .split(',')
    .map((part) => {
      const word = words.find((known) => known.toLowerCase() === part.trim().toLowerCase())
      if (word !== undefined) return word
      throw new AppError('InvalidRequest', `${target} must be one or more of ${words.join(', ')}, with commas.`, {
        target,
      })
    })
  return [...new Set(found)]
}
