import { AppError } from '../../domain/errors.ts'
import { LIMITS } from '../../domain/limits.ts'

/** Gathers what a check finds, to tell all of it at once: input by input, and of each in the order in which it was found. */
export class CheckFindings {
  readonly #errors: AppError[] = []
  readonly #warnings: AppError[] = []

  /**
   * Takes an error that an import would end with apart into its single mistakes. Each gets the code of what really happened, the sentence
   * that names the file, and the raw words of the source behind it. `pointer` is where their places begin in the request body.
   */
  object(item: number, error: AppError, pointer = ''): void {
    if (error.details.length > 0) {
      this.#errors.push(...error.details.map((detail) => placed(detail, { item, pointer })))
      return
    }
    const cause = innermost(error)
    const { message } = error.inner ?? error
    this.#errors.push(
      new AppError(cause.code, message, {
        item,
        target: error.target ?? pointer,
        ...(cause.errorDetail !== undefined && { inner: cause }),
      }),
    )
  }

  /** Notes what would stop no import. */
  warn(item: number, warning: AppError, pointer = ''): void {
    this.#warnings.push(placed(warning, { item, pointer }))
  }

  /** `AppError('ImportWouldFail')` with everything that speaks against the import; undefined where nothing does. */
  refusal(): AppError | undefined {
    const [first, ...others] = inOrder(this.#errors)
    if (first === undefined) return undefined
    const more = others.length === 0 ? '' : ` (and ${others.length} more, see details)`
    return new AppError('ImportWouldFail', `An import would fail: ${first.message}${more}`, {
      details: told([first, ...others]),
    })
  }

  warnings(): AppError[] {
    return told(inOrder(this.#warnings))
  }
}

function placed(
  { code, message, target = '' }: AppError,
  { item, pointer }: { item: number; pointer: string },
): AppError {
  return new AppError(code, message, { item, target: pointer + target })
}

function innermost(error: AppError): AppError {
  return error.inner === undefined ? error : innermost(error.inner)
}

function inOrder(findings: readonly AppError[]): AppError[] {
  return findings.toSorted((a, b) => (a.item ?? 0) - (b.item ?? 0))
}

function told(findings: readonly AppError[]): AppError[] {
  const next = findings[LIMITS.checkFindingsMax]
  if (next === undefined) return [...findings]
  const left = findings.length - LIMITS.checkFindingsMax
  return [
    ...findings.slice(0, LIMITS.checkFindingsMax),
    new AppError(next.code, `${left} more like these follow; mend those above first.`, {
      ...(next.item !== undefined && { item: next.item }),
      target: '',
    }),
  ]
}
