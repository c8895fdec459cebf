import { readdirSync } from 'node:fs'

/** The series of `/metrics` that are lines of their own. */
const SERIES: Readonly<Record<string, RegExp>> = {
  'resident memory': /^process_resident_memory_bytes (\S+)/m,
  'heap used': /^nodejs_heap_size_used_bytes (\S+)/m,
  'memory outside the heap': /^nodejs_external_memory_bytes (\S+)/m,
  'active handles': /^nodejs_active_handles_total (\S+)/m,
  'active timers': /^nodejs_active_resources\{type="Timeout"\} (\S+)/m,
}

/**
 * Measures a server process: what it says of itself at `/metrics`, and its descriptors by what the kernel says of it. A series that is no
 * more there is NaN, which is never flat.
 */
export async function measureProcess({
  url,
  token,
  pid,
}: {
  url: string
  token: string
  pid: number
}): Promise<Record<string, number>> {
  const answer = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${token}` } })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`/metrics answered ${answer.status}: ${text}`)
  return {
    ...Object.fromEntries(Object.entries(SERIES).map(([line, series]) => [line, Number(series.exec(text)?.[1])])),
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    'series of metrics': text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length,
  }
}
