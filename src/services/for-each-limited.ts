/**
 * Does the work for each task, at most `limit` at a time. The first failure aborts the others and is thrown, once all have
 * stopped; so nothing goes on behind the caller's back.
 */
export async function forEachLimited<Task>(
  tasks: readonly Task[],
  { limit, signal }: { limit: number; signal: AbortSignal },
  work: (task: Task, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const stop = new AbortController()
  const both = AbortSignal.any([signal, stop.signal])
  const waiting = tasks.values()
  let failure: { error: unknown } | undefined

  async function runOne(): Promise<void> {
    // All runners draw from the same iterator, so each task is taken once.
    for (const task of waiting) {
      if (both.aborted) return
      try {
        await work(task, both)
      } catch (error) {
        failure ??= { error }
        stop.abort(error)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, tasks.length) }, runOne))
  if (failure !== undefined) throw failure.error
  signal.throwIfAborted()
}
