import type { SpanExporter } from '@opentelemetry/sdk-trace-node'
import type { Log } from '../../ports/log.ts'

/** The same exporter, but that a collector is away stands in the log once, and that it is back; to whoever exports, all went well. */
export function tellingExporter(
  exporter: SpanExporter,
  {
    collector,
    log,
  }: {
    collector: string
    log: Pick<Log, 'info' | 'warn'>
  },
): SpanExporter {
  let isAway = false
  return {
    export(spans, done) {
      exporter.export(spans, ({ code, error }) => {
        if (code === SUCCESS) {
          if (isAway) log.info({ collector }, 'the collector takes traces again')
          isAway = false
        } else {
          if (!isAway)
            log.warn({ collector, reason: reasonOf(error) }, 'the collector does not take traces: they are lost')
          isAway = true
        }
        done({ code: SUCCESS })
      })
    },
    shutdown: () => exporter.shutdown(),
    async forceFlush() {
      await exporter.forceFlush?.()
    },
  }
}

/** Of `ExportResultCode`, which another package of the SDK has. */
const SUCCESS = 0

function reasonOf(error: (Error & { code?: unknown }) | undefined): string {
  return [error?.code, error?.message].filter((part) => part !== undefined && part !== '').join(' ') || 'unknown'
}
