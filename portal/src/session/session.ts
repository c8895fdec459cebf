import { findToken, forgetToken, type KeptToken, keepToken } from './kept-token.ts'
import { redeemLink } from './redeem-link.ts'

/** Whether this tab is signed in, and if not, why. */
export type SessionState =
  | { kind: 'starting' }
  | { kind: 'signed-in'; token: KeptToken }
  | { kind: 'signed-out'; why: 'new' | 'left' | 'expired' }
  /** A link or an issuer did not sign in. */
  | { kind: 'refused'; by: 'link' | 'issuer'; error: unknown }

export interface Session {
  state(): SessionState
  subscribe(listener: () => void): () => void
  /** Reads the address and the memory of the tab, once, before anything is shown. */
  start(): Promise<void>
  /** Leaves for the configured issuer, to come back to the page that is open now. */
  signInAtIssuer(): Promise<void>
  signOut(): void
  /** `fetch` with the token of the moment. A 401 ends the session. */
  fetch: typeof globalThis.fetch
  /** For what must be sent otherwise than by `fetch`, such as uploads that tell how far they are: sets the header of the token of the moment. */
  sign(request: { setHeader(name: string, value: string): void }): void
}

/** Renewing begins so long before the token ends. */
const RENEW_BEFORE_MS = 60_000
/** The longest time that a timer takes. */
const TIMER_MAX_MS = 2 ** 31 - 1

/** The session of this tab. The rest of the portal sees no token. */
export function createSession(): Session {
  let state: SessionState = { kind: 'starting' }
  let timer: ReturnType<typeof setTimeout> | undefined
  const listeners = new Set<() => void>()

  function become(next: SessionState): void {
    const wasAtIssuer = state.kind === 'signed-in' && state.token.via === 'issuer'
    state = next
    clearTimeout(timer)
    if (next.kind === 'signed-in') schedule(next.token)
    else {
      forgetToken()
      if (wasAtIssuer) forgetIssuer()
    }
    for (const listener of listeners) listener()
  }

  function forgetIssuer(): void {
    void import('./sign-in-at-issuer.ts').then(({ forgetUser }) => forgetUser()).catch(() => {})
  }

  function signIn(token: KeptToken): void {
    keepToken(token)
    become({ kind: 'signed-in', token })
  }

  /** What is still shown of a token that has ended is taken away, too: whoever comes next must not read it. */
  function expire(token: KeptToken): void {
    if (state.kind === 'signed-in' && state.token === token) become({ kind: 'signed-out', why: 'expired' })
  }

  function schedule(token: KeptToken): void {
    const leftMs = token.expiresAt - Date.now()
    if (token.via === 'link') {
      timer = setTimeout(() => expireIfDue(token), Math.min(Math.max(leftMs, 0), TIMER_MAX_MS))
      return
    }
    timer = setTimeout(() => renew(token), Math.min(Math.max(leftMs - RENEW_BEFORE_MS, leftMs / 2, 0), TIMER_MAX_MS))
  }

  function expireIfDue(token: KeptToken): void {
    if (Date.now() >= token.expiresAt) expire(token)
    else schedule(token)
  }

  async function renew(token: KeptToken): Promise<void> {
    const { renewToken } = await import('./sign-in-at-issuer.ts')
    const renewed = await renewToken().catch(() => undefined)
    if (state.kind !== 'signed-in' || state.token !== token) return
    if (renewed !== undefined) signIn(renewed)
    else timer = setTimeout(() => expire(token), Math.max(token.expiresAt - Date.now(), 0))
  }

  /** A tab that was asleep, or is loaded again. */
  async function renewEnded(): Promise<void> {
    const { renewToken } = await import('./sign-in-at-issuer.ts')
    const renewed = await renewToken().catch(() => undefined)
    if (renewed !== undefined) return signIn(renewed)
    become({ kind: 'signed-out', why: 'expired' })
    forgetIssuer()
  }

  async function redeem(code: string): Promise<void> {
    try {
      signIn(await redeemLink(code))
    } catch (error) {
      become({ kind: 'refused', by: 'link', error })
    }
  }

  async function takeIssuerAnswer(url: string): Promise<void> {
    try {
      const { finishSignIn } = await import('./sign-in-at-issuer.ts')
      const { token, returnTo } = await finishSignIn(url)
      history.replaceState(null, '', returnTo)
      signIn(token)
    } catch (error) {
      become({ kind: 'refused', by: 'issuer', error })
    }
  }

  /** Answers what the address brought, having taken it out: it must stay neither in the address nor in the history. */
  function takeFragment(): { params: URLSearchParams; url: string } {
    const url = location.href
    const params = new URLSearchParams(location.hash.slice(1))
    if (params.has('code') || params.has('error')) history.replaceState(null, '', location.pathname + location.search)
    return { params, url }
  }

  async function readAddress(): Promise<boolean> {
    const { params, url } = takeFragment()
    const code = params.get('code')
    if (params.has('state')) await takeIssuerAnswer(url)
    else if (code !== null) await redeem(code)
    else return false
    return true
  }

  return {
    state: () => state,
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async start() {
      // A link that is opened in a tab that has the portal already loads nothing.
      addEventListener('hashchange', () => void readAddress())
      // Timers stand still while a machine sleeps.
      addEventListener('visibilitychange', () => {
        if (state.kind !== 'signed-in' || Date.now() < state.token.expiresAt) return
        if (state.token.via === 'issuer') void renew(state.token)
        else expire(state.token)
      })
      if (await readAddress()) return
      const token = findToken()
      if (token === undefined) become({ kind: 'signed-out', why: 'new' })
      else if (Date.now() < token.expiresAt) become({ kind: 'signed-in', token })
      else if (token.via === 'issuer') await renewEnded()
      else become({ kind: 'signed-out', why: 'expired' })
    },
    async signInAtIssuer() {
      const { beginSignIn } = await import('./sign-in-at-issuer.ts')
      await beginSignIn({ returnTo: location.pathname + location.search })
    },
    signOut() {
      become({ kind: 'signed-out', why: 'left' })
    },
    async fetch(input, init) {
      if (state.kind !== 'signed-in') throw new Error('Nobody is signed in.')
      const { token } = state
      const url = new URL(input instanceof Request ? input.url : input, location.href)
      if (url.origin !== location.origin) throw new Error(`The token is not for ${url.origin}.`)
      const headers = new Headers(init?.headers)
      headers.set('authorization', `Bearer ${token.accessToken}`)
      // What a browser has kept is asked for again, by its ETag: somebody may have changed it since.
      const response = await fetch(input, { cache: 'no-cache', ...init, headers, credentials: 'omit' })
      if (response.status === 401) expire(token)
      return response
    },
    sign(request) {
      if (state.kind === 'signed-in') request.setHeader('authorization', `Bearer ${state.token.accessToken}`)
    },
  }
}
