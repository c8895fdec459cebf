import { useCallback, useEffect, useRef, useState } from 'react'
import type { OperationWithProgress } from '../../../../src/client/api-types.ts'
import { useServer } from '../../server/use-server.ts'
import { useSession } from '../../session/use-session.ts'
import { importBody, ownBytesOf } from './import-plan.ts'
import type { Readiness } from './readiness.ts'
import { removeAll, type UploadProgress, uploadAll } from './upload-all.ts'

export type Purpose = 'import' | 'check'

export type RunState =
  | { kind: 'idle' }
  | { kind: 'uploading'; purpose: Purpose; progress: readonly UploadProgress[] }
  /** Everything is there, and the server is asked. */
  | { kind: 'asking'; purpose: Purpose }
  | { kind: 'accepted'; operationId: string }
  | { kind: 'checked'; operation: OperationWithProgress }
  /** What was uploaded is kept for another try. */
  | { kind: 'failed'; purpose: Purpose; error: unknown }

export interface Run {
  state: RunState
  start(plan: NonNullable<Readiness['plan']>, purpose: Purpose): void
  /** Stops, and removes from the server what was uploaded. */
  cancel(): void
  /** Takes away what an earlier check or failure said. */
  forget(): void
}

/** Uploads what is the visitor's own, and asks for the import, or for a check of it. Leaving the page stops it; what came is kept. */
export function useRun(): Run {
  const { client } = useServer()
  const session = useSession()
  const [state, setState] = useState<RunState>({ kind: 'idle' })
  const stop = useRef<AbortController>(undefined)
  const staged = useRef<readonly string[]>([])
  useEffect(() => () => stop.current?.abort(), [])

  const start = useCallback(
    (makePlan: NonNullable<Readiness['plan']>, purpose: Purpose) => {
      stop.current?.abort()
      const stopping = new AbortController()
      const { signal } = stopping
      stop.current = stopping
      const become = (next: RunState) => {
        if (!signal.aborted) setState(next)
      }
      const run = async () => {
        become({ kind: 'uploading', purpose, progress: [] })
        const plan = await makePlan()
        const urls = await uploadAll(
          ownBytesOf(plan),
          { client, session },
          {
            signal,
            onMade: (ids) => {
              staged.current = [...new Set([...staged.current, ...ids])]
            },
            onProgress: (progress) => become({ kind: 'uploading', purpose, progress }),
          },
        )
        become({ kind: 'asking', purpose })
        const body = importBody(plan, urls)
        if (purpose === 'import') {
          const { operationId } = await client.importUpdate(body)
          become({ kind: 'accepted', operationId })
          return
        }
        const { operationId } = await client.checkUpdate(body)
        become({ kind: 'checked', operation: await client.waitForProgress(operationId) })
      }
      run().catch((error: unknown) => become({ kind: 'failed', purpose, error }))
    },
    [client, session],
  )

  const cancel = useCallback(() => {
    stop.current?.abort()
    const ids = staged.current
    staged.current = []
    setState({ kind: 'idle' })
    void removeAll(ids, { client })
  }, [client])

  const forget = useCallback(() => {
    setState((current) => (current.kind === 'checked' || current.kind === 'failed' ? { kind: 'idle' } : current))
  }, [])

  return { state, start, cancel, forget }
}
