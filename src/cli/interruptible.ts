import { CommandError, EXIT } from './report.ts'

/**
 * Runs something that the first Ctrl-C ends in order: `run` gets a signal, and what it throws then becomes a `CommandError` that says
 * how to go on. A second Ctrl-C ends the process at once.
 */
export async function interruptible<T>(stopped: string, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const interrupted = new AbortController()
  const interrupt = () => interrupted.abort()
  process.once('SIGINT', interrupt)
  try {
    return await run(interrupted.signal)
  } catch (error) {
    if (!interrupted.signal.aborted) throw error
    throw new CommandError(stopped, { exitCode: EXIT.interrupted })
  } finally {
    process.removeListener('SIGINT', interrupt)
  }
}
