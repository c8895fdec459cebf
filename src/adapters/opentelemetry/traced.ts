import type { BlobStore, BlobWriter } from '../../ports/blob-store.ts'
import type { NamedStore } from '../../ports/distribution-store.ts'
import type { Scanner } from '../../ports/scanner.ts'
import type { OpenSource, SourceBody } from '../../ports/source.ts'
import type { Attributes, OpenSpan, Tracing } from '../../ports/tracing.ts'

/** The same source; each reading is a span, from the request to the last byte. */
export function tracedSource(open: OpenSource, tracing: Tracing | undefined): OpenSource {
  if (tracing === undefined) return open
  return async (url, options) => {
    const { from } = options
    const span = tracing.begin({
      name: 'read source',
      kind: 'client',
      attributes: { ...placeOf(url), ...(from && { 'aduana.source.position': from.position }) },
    })
    try {
      return tracedBody(await open(url, options), span)
    } catch (error) {
      span.end({ error })
      throw error
    }
  }
}

/** Where a URL leads, without what may be a secret: neither user nor query. */
function placeOf({ protocol, hostname, port, origin, pathname }: URL): Attributes {
  const scheme = protocol.slice(0, -1)
  if (hostname === '') return { 'url.scheme': scheme }
  const usualPort = scheme === 'https' ? 443 : 80
  return {
    'url.scheme': scheme,
    'url.full': origin + pathname,
    'server.address': hostname,
    'server.port': port === '' ? usualPort : Number(port),
  }
}

function tracedBody(body: SourceBody, span: OpenSpan): SourceBody {
  let bytes = 0
  let hasEnded = false
  function end(failure?: { error: unknown }): void {
    if (hasEnded) return
    // Some readers leave once more after the end.
    hasEnded = true
    span.set({ 'aduana.source.bytes': bytes })
    span.end(failure)
  }
  return {
    start: body.start,
    etag: body.etag,
    sizeInBytes: body.sizeInBytes,
    async [Symbol.asyncDispose]() {
      end()
      await body[Symbol.asyncDispose]()
    },
    // By hand rather than as a generator: it stands in the way of every byte.
    [Symbol.asyncIterator]() {
      const chunks = body[Symbol.asyncIterator]()
      return {
        async next() {
          try {
            const result = await chunks.next()
            if (result.done) end()
            else bytes += result.value.byteLength
            return result
          } catch (error) {
            end({ error })
            throw error
          }
        },
        async return() {
          end()
          return (await chunks.return?.()) ?? { done: true, value: undefined }
        },
      }
    },
  }
}

/** The same store; making a blob durable is a span. Writing goes on while bytes come, and is in the span around it. */
export function tracedBlobs(blobs: BlobStore, tracing: Tracing | undefined): BlobStore {
  if (tracing === undefined) return blobs
  const traceWriter = <Writer extends BlobWriter>(writer: Writer, sizeInBytes: number): Writer => {
    const { commit } = writer
    const span = { name: 'commit blob', attributes: { 'aduana.blob.size': sizeInBytes } }
    return Object.assign(writer, { commit: () => tracing.inSpan(span, () => commit.call(writer)) })
  }
  return {
    ...blobs,
    create: async (blob) => traceWriter(await blobs.create(blob), blob.sizeInBytes),
    async resume(blob) {
      const writer = await blobs.resume(blob)
      return writer && traceWriter(writer, blob.sizeInBytes)
    },
  }
}

/** The same scanner; each scan is a span, from waiting for a place to the verdict. */
export function tracedScanner(scanner: Scanner, tracing: Tracing | undefined): Scanner {
  if (tracing === undefined) return scanner
  return {
    ...scanner,
    async begin(file) {
      const span = tracing.begin({ name: 'scan', attributes: { 'aduana.file.size': file.sizeInBytes } })
      try {
        const scan = await scanner.begin(file)
        const { verdict } = scan
        const dispose = scan[Symbol.asyncDispose]
        // Assigned to the very object: what it says of itself later, such as `notScanned`, may be a getter.
        return Object.assign(scan, {
          async verdict() {
            const found = await verdict.call(scan)
            span.set({ 'aduana.scan.verdict': found.kind })
            return found
          },
          async [Symbol.asyncDispose]() {
            span.end()
            await dispose.call(scan)
          },
        })
      } catch (error) {
        span.end({ error })
        throw error
      }
    },
  }
}

/** The same distribution stores; each copy that is written or deleted is a span. */
export function tracedCopies<Store extends NamedStore>(stores: Store[], tracing: Tracing | undefined): Store[] {
  if (tracing === undefined) return stores
  return stores.map((named) => {
    const { name, store } = named
    const span = (what: string, attributes: Attributes = {}) => ({
      name: what,
      attributes: { 'aduana.store': name, ...attributes },
    })
    return {
      ...named,
      store: {
        ...store,
        put: (copy, bytes) =>
          tracing.inSpan(span('write copy', { 'aduana.file.size': copy.sizeInBytes }), () => store.put(copy, bytes)),
        delete: (path) => tracing.inSpan(span('delete copy'), () => store.delete(path)),
      },
    }
  })
}
