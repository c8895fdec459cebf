import { useCallback, useEffect, useRef, useState } from 'react'

export type Loaded<T> = { kind: 'loading' } | { kind: 'failed'; error: unknown } | { kind: 'ready'; value: T }

/**
 * Loads something when a component is first shown, and again when `load` is another function, so it must come from `useCallback`. While
 * it is reloaded, the former value stays. What comes late, after a newer question, is dropped.
 */
export function useLoaded<T>(load: () => Promise<T>): { loaded: Loaded<T>; reload: () => void } {
  const [loaded, setLoaded] = useState<Loaded<T>>({ kind: 'loading' })
  const latest = useRef(0)
  const reload = useCallback(() => {
    latest.current += 1
    const number = latest.current
    load().then(
      (value) => number === latest.current && setLoaded({ kind: 'ready', value }),
      (error: unknown) => number === latest.current && setLoaded({ kind: 'failed', error }),
    )
  }, [load])
  useEffect(() => {
    setLoaded({ kind: 'loading' })
    reload()
    return () => {
      latest.current += 1
    }
  }, [reload])
  return { loaded, reload }
}
