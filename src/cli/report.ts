import { ConfigurationError } from '../config/read-settings.ts'

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
    const sentences =
      error instanceof ConfigurationError ? error.mistakes : [error instanceof Error ? error.message : String(error)]
    for (const sentence of sentences) console.error(`aduana: ${sentence}`)
    process.exitCode = 1
  }
}
