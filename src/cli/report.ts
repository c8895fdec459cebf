import { ApiError } from '../client/api-error.ts'
import { ConfigurationError } from '../config/read-settings.ts'
import { ERROR_CODES } from '../domain/error-codes.ts'
import { withoutControls } from './terminal/without-controls.ts'

/**
 * How commands end: 0 when all is well; 1 where nothing was reached, such as for a wrong flag, a server that does not
 * answer or that refuses; 2 where an operation was accepted and failed; 3 when somebody stopped waiting for it.
 */
export const EXIT = { failed: 2, interrupted: 3 } as const

/** Says why nothing went on, and ends the command with this exit code. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly exitCode: number

  constructor(message: string, { exitCode = 1 }: { exitCode?: number } = {}) {
    super(message)
    this.exitCode = exitCode
  }
}

/** Runs a command and turns what it throws into sentences on standard error and an exit code. */
export async function report(run: () => Promise<void>): Promise<void> {
  try {
    await run()
  } catch (error) {
    // Ctrl-C at a question.
    if (error instanceof Error && error.name === 'ExitPromptError') {
      console.error('aduana: stopped; nothing was written.')
      process.exitCode = 130
      return
    }
    for (const sentence of sentencesOf(error)) console.error(withoutControls(`aduana: ${sentence}`))
    process.exitCode = error instanceof CommandError ? error.exitCode : 1
  }
}

function sentencesOf(error: unknown): readonly string[] {
  if (error instanceof ConfigurationError) return error.mistakes
  if (error instanceof ApiError) return [error.message, ...detailsOf(error), ...remedyOf(error.code)]
  return (error instanceof Error ? error.message : String(error)).split('\n')
}

function detailsOf({ body }: ApiError): string[] {
  const { error } = Object(body) as { error?: { details?: { message?: string; target?: string }[] } }
  if (!Array.isArray(error?.details)) return []
  return error.details.map(({ message = '', target }) => (target ? `${target}: ${message}` : message))
}

function remedyOf(code: string): string[] {
  if (code === 'Unauthenticated') return ['Sign in with "aduana login", or put a fresh token into ADUANA_TOKEN.']
  // The sentence says what is not there, and there is no more to know.
  if (code === 'NotFound' || !Object.hasOwn(ERROR_CODES, code)) return []
  return [ERROR_CODES[code as keyof typeof ERROR_CODES].remedy]
}

/** `aduana list | head` ends when the reader has enough, without a word. */
export function quietWhenNobodyReads(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0)
    throw error
  })
}
