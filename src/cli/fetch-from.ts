import type { Agent } from 'undici'
import { CommandError } from './report.ts'

/** A `fetch` that trusts the CA, and says in a sentence which server does not answer. */
export function fetchFrom(server: string, ca: string | string[] | undefined): typeof globalThis.fetch {
  let dispatcher: Agent | undefined
  return async (input, init) => {
    try {
      if (ca === undefined) return await fetch(input, init)
      const { Agent, fetch: fetchWith } = await import('undici')
      dispatcher ??= new Agent({ connect: { ca } })
      return (await fetchWith(input as URL, { ...(init as object), dispatcher })) as unknown as Response
    } catch (error) {
      if (init?.signal?.aborted) throw error
      throw new NoAnswer(server, error)
    }
  }
}

/** Nobody listens there, or not with a certificate that is trusted. */
export class NoAnswer extends CommandError {
  constructor(server: string, error: unknown) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
    const { code, message } = cause as { code?: string; message?: string }
    super(
      `No Aduana answers at ${server} (${code ?? message ?? cause}): start "aduana serve", or name it with --server and --ca.`,
    )
    this.cause = error
  }
}
