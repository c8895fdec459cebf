import { useCallback, useEffect, useRef, useState } from 'react'
import type { Page } from '../../../src/client/api-types.ts'

export interface Pages<T> {
  items: readonly T[]
  isLoading: boolean
  /** Why the last page did not come. `more` tries again. */
  error: unknown
  hasMore: boolean
  more: () => void
  /** Begins again with the first page. What is shown stays until that is there. */
  reload: () => void
}

interface State<T> {
  items: readonly T[]
  last: Page<T> | undefined
  isLoading: boolean
  error: unknown
}

/** A page of a search may be empty and still have a next one: so many are fetched before the visitor is asked. */
const EMPTY_PAGES_MAX = 20

/** Loads a list page by page. `first` and `next` must be the same functions as long as the question is the same. */
export function usePages<T>(first: () => Promise<Page<T>>, next: (page: Page<T>) => Promise<Page<T>>): Pages<T> {
  const [state, setState] = useState<State<T>>(BEGIN)
  const latest = useRef(0)
  const load = useCallback(
    async (from: State<T>) => {
      latest.current += 1
      const number = latest.current
      // What is shown already is not taken away and told again.
      if (from !== BEGIN) setState({ ...from, isLoading: true, error: undefined })
      try {
        let page = from.last === undefined ? await first() : await next(from.last)
        for (
          let empty = 1;
          page.value.length === 0 && page.nextLink !== undefined && empty < EMPTY_PAGES_MAX;
          empty += 1
        ) {
          page = await next(page)
        }
        if (number !== latest.current) return
        setState({ items: [...from.items, ...page.value], last: page, isLoading: false, error: undefined })
      } catch (error) {
        if (number === latest.current) setState((shown) => ({ ...shown, isLoading: false, error }))
      }
    },
    [first, next],
  )
  const reload = useCallback(() => void load(BEGIN), [load])
  useEffect(() => {
    setState(BEGIN)
    reload()
    return () => {
      latest.current += 1
    }
  }, [reload])
  return {
    items: state.items,
    isLoading: state.isLoading,
    error: state.error,
    hasMore: state.last?.nextLink !== undefined,
    more: () => void load(state),
    reload,
  }
}

const BEGIN: State<never> = { items: [], last: undefined, isLoading: true, error: undefined }
