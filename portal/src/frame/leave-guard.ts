import { useEffect } from 'react'
import type { AroundNavHandler } from 'wouter'

let isGuarded = false

const QUESTION = 'An upload is not done. Leave this page and stop it? What was uploaded is kept for some time.'

/** As long as it holds, whoever is about to leave the page is asked first. */
export function useLeaveGuard(holds: boolean): void {
  useEffect(() => {
    if (!holds) return
    isGuarded = true
    const ask = (event: BeforeUnloadEvent) => event.preventDefault()
    addEventListener('beforeunload', ask)
    return () => {
      isGuarded = false
      removeEventListener('beforeunload', ask)
    }
  }, [holds])
}

/** Asks before another page of the portal is shown, too. */
export const guardedNavigation: AroundNavHandler = (navigate, to, options) => {
  if (!isGuarded || confirm(QUESTION)) navigate(to, options)
}
