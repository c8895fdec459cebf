export interface Deadline {
  /** Aborts with the caller's reason, or with `lateError()` once the time is up. */
  signal: AbortSignal
  /** Rejects with the same reason as soon as `signal` aborts. */
  passed: Promise<never>
  /** Lets go of the timer and of the caller's signal. */
  release(): void
}

/** Joins the caller's signal and a limit of `totalMs`. Both outlive a fetch by far, so it must be released after it. */
export function startDeadline({
  signal,
  totalMs,
  lateError,
}: {
  signal: AbortSignal
  totalMs: number
  lateError: () => Error
}): Deadline {
  const controller = new AbortController()
  const { promise: passed, reject } = Promise.withResolvers<never>()
  passed.catch(() => {})
  const end = (reason: unknown) => {
    controller.abort(reason)
    reject(reason)
  }
  const endByCaller = () => end(signal.reason)
  signal.addEventListener('abort', endByCaller, { once: true })
  const timer = setTimeout(() => end(lateError()), totalMs)
  timer.unref()
  return {
    signal: controller.signal,
    passed,
    release() {
      clearTimeout(timer)
      signal.removeEventListener('abort', endByCaller)
    },
  }
}
