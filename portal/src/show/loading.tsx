import { Spinner } from '@fluentui/react-spinner'
import type { ReactNode } from 'react'
import type { Loaded } from '../server/use-loaded.ts'
import { Problem } from './problem.tsx'

/** Shows what was loaded; until then that it is on its way, or why it does not come. */
export function Loading<T>({
  of: { loaded, reload },
  what,
  children,
}: {
  of: { loaded: Loaded<T>; reload: () => void }
  /** Such as `the update`. */
  what: string
  children: (value: T) => ReactNode
}) {
  if (loaded.kind === 'loading') return <Spinner label={`Loading ${what}`} labelPosition="after" />
  if (loaded.kind === 'failed') return <Problem error={loaded.error} title={`Cannot load ${what}`} onRetry={reload} />
  return children(loaded.value)
}
