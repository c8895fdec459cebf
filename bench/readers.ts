import { setTimeout as sleep } from 'node:timers/promises'
import { Agent } from 'undici'
import { percentile } from './measure.ts'

/** On average, between the answer to one request of a reader and its next. */
const PAUSE_MS = 200

/**
 * Lets many readers ask for one address, each at its own pace as people and devices do, while `work` runs. Each keeps its connection,
 * which it has before the work begins, or makes a new one for each request. Answers how long they had to wait, in milliseconds.
 */
export async function readMeanwhile(
  url: string,
  {
    headers,
    readers,
    keepConnections,
    work,
  }: { headers: Record<string, string>; readers: number; keepConnections: boolean; work: () => Promise<unknown> },
): Promise<{ p90: number; p99: number; requests: number }> {
  const { origin, pathname, search } = new URL(url)
  const agent = new Agent({ connections: readers })
  const waited: number[] = []
  let isOver = false

  async function ask(): Promise<void> {
    const path = pathname + search
    const { statusCode, body } = await agent.request({ origin, path, method: 'GET', headers, reset: !keepConnections })
    await body.dump()
    if (statusCode !== 200) throw new Error(`${pathname} answers ${statusCode}.`)
  }
  async function read(): Promise<void> {
    while (!isOver) {
      await sleep(Math.random() * 2 * PAUSE_MS)
      const begun = performance.now()
      await ask()
      waited.push(performance.now() - begun)
    }
  }
  try {
    await Promise.all(Array.from({ length: readers }, ask))
    const working = work().finally(() => {
      isOver = true
    })
    await Promise.all([working, ...Array.from({ length: readers }, read)])
  } finally {
    await agent.close()
  }
  const sorted = waited.sort((a, b) => a - b)
  return { p90: percentile(sorted, 0.9), p99: percentile(sorted, 0.99), requests: sorted.length }
}
