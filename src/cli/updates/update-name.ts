import { normaliseVersion, type UpdateId } from '../../domain/update-id.ts'
import { CommandError } from '../report.ts'

/** Reads `PROVIDER/NAME/VERSION`. Throws a `CommandError` where the text is nothing like it. */
export function parseUpdateName(text: string): UpdateId {
  const [provider, name, version, ...more] = text.split('/')
  const normalised = normaliseVersion(version ?? '')
  if (!provider || !name || normalised === undefined || more.length > 0)
    throw new CommandError(
      `"${text}" does not name an update. Write PROVIDER/NAME/VERSION, such as Contoso/Toaster/1.0.`,
    )
  return { provider, name, version: normalised }
}
