/** An answer that is not a success. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly status: number
  /** The code of the error envelope, or `Http` and the status where the answer has none, such as from a proxy. */
  readonly code: string
  /** The body: parsed where it is JSON, else its text. */
  readonly body: unknown

  constructor({ status, code, message, body }: { status: number; code: string; message: string; body: unknown }) {
    super(message)
    this.status = status
    this.code = code
    this.body = body
  }
}

/** Reads an answer that is not a success: an error envelope, problem details, both in one, or neither. */
export async function readApiError(response: Response): Promise<ApiError> {
  const { status } = response
  const text = await response.text()
  const body = parsed(text)
  const { error, title } = (body ?? {}) as { error?: { code?: string; message?: string }; title?: string }
  return new ApiError({
    status,
    code: error?.code ?? `Http${status}`,
    message: error?.message ?? title ?? `The server answered with status ${status}.`,
    body: body ?? text,
  })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
