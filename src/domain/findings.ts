import type { ErrorCode } from './error-codes.ts'
import { AppError } from './errors.ts'
import type { JsonNode } from './json-document.ts'
import { LIMITS } from './limits.ts'

/** A sentence, or how to make it: a hostile document has a hundred thousand mistakes of which a hundred are told. */
type Message = string | (() => string)

interface Finding {
  code: ErrorCode
  at: JsonNode
  message: Message
}

/** Gathers what is wrong with a document, so that all of it can be told at once. */
export class Findings {
  readonly #errors: Finding[] = []
  readonly #warnings: Finding[] = []

  /** Notes a mistake. `message` is a whole sentence that says what to do. */
  error(code: ErrorCode, at: JsonNode, message: Message): void {
    this.#errors.push({ code, at, message })
  }

  /** Notes advice that stops nothing. */
  advise(at: JsonNode, message: Message): void {
    this.#warnings.push({ code: 'Advice', at, message })
  }

  /** Every mistake in the order of the document, each with its JSON Pointer as target. */
  errors(): AppError[] {
    return told(this.#errors)
  }

  /** Every advice in the order of the document, each with its JSON Pointer as target. */
  warnings(): AppError[] {
    return told(this.#warnings)
  }
}

function told(findings: readonly Finding[]): AppError[] {
  const ordered = findings.toSorted((a, b) => a.at.offset - b.at.offset)
  const errors = ordered.slice(0, LIMITS.findingsMax).map(({ code, at, message }) => {
    return new AppError(code, typeof message === 'string' ? message : message(), { target: at.pointer })
  })
  const next = ordered[LIMITS.findingsMax]
  if (next !== undefined) {
    const rest = ordered.length - LIMITS.findingsMax
    errors.push(
      new AppError(next.code, `${rest} more like these follow; mend those above first.`, { target: next.at.pointer }),
    )
  }
  return errors
}
