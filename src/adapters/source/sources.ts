import type { OwnEndpoints } from './own-endpoints.ts'
import { type HttpSource, openHttpSource } from './source-http.ts'
import { createSourcePolicy } from './source-policy.ts'
import type { SourceThreadSettings } from './source-thread.ts'
import { openThreadedSource } from './threaded-source.ts'

/** What is not larger is here sooner than another thread could say that it is. */
const HERE_BYTES_MAX = 1024 * 1024

/** Fetches large files in a thread, so that requests need not wait for them, and everything else where it is asked for. */
export function openSources(settings: SourceThreadSettings & { own: OwnEndpoints }): HttpSource {
  const { allowed, own, limits, version } = settings
  const here = openHttpSource({ policy: createSourcePolicy(allowed, own), limits, version })
  const inThread = openThreadedSource(settings)
  return {
    open: (url, options) => ((options.sizeInBytes ?? 0) > HERE_BYTES_MAX ? inThread : here).open(url, options),
    async close() {
      await Promise.all([here.close(), inThread.close()])
    },
  }
}
