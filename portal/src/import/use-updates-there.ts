import { useEffect, useState } from 'react'
import { ApiError } from '../../../src/client/api-error.ts'
import { formatUpdateId, type UpdateId } from '../../../src/domain/update-id.ts'
import { useServer } from '../server/use-server.ts'

const TYPING_PAUSE_MS = 400

/**
 * Which of these updates the instance has, by `formatUpdateId`. What is not known yet, or cannot be asked, is not in the answer: the import
 * itself tells it then.
 */
export function useUpdatesThere(ids: readonly UpdateId[]): ReadonlyMap<string, boolean> {
  const { client } = useServer()
  const [known, setKnown] = useState<ReadonlyMap<string, boolean>>(new Map())
  const wanted = ids.filter(({ provider, name, version }) => provider !== '' && name !== '' && version !== '')
  const question = JSON.stringify(wanted)
  useEffect(() => {
    let isOver = false
    const ask = async (id: UpdateId) => {
      const isThere = await client.getUpdate(id).then(
        () => true,
        (error: unknown) => (error instanceof ApiError && error.status === 404 ? false : undefined),
      )
      if (isOver || isThere === undefined) return
      setKnown((current) => new Map(current).set(formatUpdateId(id), isThere))
    }
    const timer = setTimeout(() => {
      for (const id of JSON.parse(question) as UpdateId[]) void ask(id)
    }, TYPING_PAUSE_MS)
    return () => {
      isOver = true
      clearTimeout(timer)
    }
  }, [client, question])
  return known
}
