import { useEffect, useState } from 'react'
import type { OperationWithProgress } from '../../../src/client/api-types.ts'
import type { Loaded } from '../server/use-loaded.ts'
import { useServer } from '../server/use-server.ts'

/** An operation as it is now, told by the server at each change, to its end. */
export function useOperation(operationId: string): { loaded: Loaded<OperationWithProgress>; reload: () => void } {
  const { client } = useServer()
  const [loaded, setLoaded] = useState<Loaded<OperationWithProgress>>({ kind: 'loading' })
  const [round, setRound] = useState(0)
  // biome-ignore lint/correctness/useExhaustiveDependencies: another round watches the same operation again.
  useEffect(() => {
    const leaving = new AbortController()
    const watch = async () => {
      try {
        for await (const value of client.watchOperation(operationId, { signal: leaving.signal })) {
          if (leaving.signal.aborted) return
          setLoaded({ kind: 'ready', value })
        }
      } catch (error) {
        if (!leaving.signal.aborted) setLoaded({ kind: 'failed', error })
      }
    }
    setLoaded({ kind: 'loading' })
    void watch()
    return () => leaving.abort()
  }, [client, operationId, round])
  return { loaded, reload: () => setRound(round + 1) }
}
