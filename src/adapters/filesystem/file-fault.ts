/** Why a file is not written, as plain data on its way between threads. */
export interface FileFault {
  message: string
  /** Of the product, or of the operating system. */
  code?: string
}

export function faultOf(error: unknown): FileFault {
  const message = error instanceof Error ? error.message : String(error)
  return { message, ...(error instanceof Error && 'code' in error && { code: String(error.code) }) }
}

/** The fault as an error, such as a call of `node:fs` would have thrown. */
export function errorOf({ message, code }: FileFault): Error {
  return Object.assign(new Error(message), { code })
}
