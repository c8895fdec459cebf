import type { Readable } from 'node:stream'
import type {
  BlobItem,
  BlockBlobClient,
  BlockBlobStageBlockOptions,
  BlockBlobUploadOptions,
  ContainerClient,
  ContainerListBlobFlatSegmentResponse,
  ContainerListBlobsOptions,
} from '@azure/storage-blob'
import { type CallStore, isNotThere, isStatus } from '../object-store/call-store.ts'
import { itemsOf } from '../object-store/items-of.ts'
import type {
  IncompleteObject,
  ObjectService,
  ObjectToWrite,
  Part,
  PartsUpload,
} from '../object-store/object-service.ts'
import { sendBody } from '../object-store/send-body.ts'

/** In the metadata of every blob. Azure takes names of C# only. */
const WRITER_TOKEN = 'aduana_writer'

const CONTENT_TYPE = 'application/octet-stream'
/** How often to look whether a copy is made. */
const COPY_LOOK_MS = 500
const IF_NONE_THERE = { ifNoneMatch: '*' }

/** The blobs of one container. Each block carries its MD5, which the service checks. */
export function azblobObjects({
  container,
  title,
  call,
}: {
  container: ContainerClient
  title: string
  call: CallStore
}): ObjectService {
  /**
   * Azure drops blocks only when a list of blocks is committed, or by itself after a week. So an empty list is committed, on condition
   * that there is no blob, and the empty blob which that makes is deleted. Answers whether it was there to be dropped.
   */
  async function dropBlocks(key: string, { isRepeated }: { isRepeated: boolean }): Promise<boolean> {
    const blob = container.getBlockBlobClient(key)
    const { etag } = await call(
      `drop the blocks of ${key}`,
      () => blob.commitBlockList([], { conditions: IF_NONE_THERE }),
      { isRepeated },
    )
    return await deleteVersion(blob, etag, { isRepeated })
  }

  /** Undefined where it is none, or none any more. */
  async function incompleteOf({ name: key, properties }: BlobItem): Promise<IncompleteObject | undefined> {
    const blob = container.getBlockBlobClient(key)
    try {
      const { uncommittedBlocks = [] } = await call(`list the blocks of ${key}`, () => blob.getBlockList('uncommitted'))
      // Without blocks it is what was left of dropping them.
      const { lastModified, etag } = properties
      const isDropping = uncommittedBlocks.length === 0
      return {
        key,
        sizeInBytes: uncommittedBlocks.reduce((sum, { size }) => sum + size, 0),
        touchedAt: isDropping
          ? lastModified.getTime()
          : Math.max(...uncommittedBlocks.map(({ name }) => writtenAt(name))),
        async drop() {
          try {
            return await (isDropping
              ? deleteVersion(blob, etag, { isRepeated: true })
              : dropBlocks(key, { isRepeated: true }))
          } catch (error) {
            if (isNotThere(error) || isStatus(error, 409) || isStatus(error, 412)) return false
            throw error
          }
        },
      }
    } catch (error) {
      if (isNotThere(error)) return undefined
      throw error
    }
  }

  function listed(prefix: string, includes: ContainerListBlobsOptions = {}): AsyncGenerator<BlobItem> {
    return itemsOf(
      (continuationToken: string | undefined) =>
        call(`list ${prefix || 'its blobs'}`, async () => {
          const pages = container
            .listBlobsFlat({ ...includes, prefix })
            .byPage({ ...(continuationToken && { continuationToken }) })
          return (await pages.next()).value as ContainerListBlobFlatSegmentResponse | undefined
        }),
      (page) => ({ items: page?.segment.blobItems ?? [], next: page?.continuationToken || undefined }),
    )
  }

  /** Deletes a blob if it is still the same. */
  async function deleteVersion(
    blob: BlockBlobClient,
    etag: string | undefined,
    { isRepeated }: { isRepeated: boolean },
  ): Promise<boolean> {
    if (!etag) return false
    await call(`delete ${blob.name}`, () => blob.delete({ conditions: { ifMatch: etag } }), { isRepeated })
    return true
  }

  return {
    title,
    partDigest: 'md5',
    partsMax: 50_000,

    async put(object, { bytes, digest }, signal) {
      const { key } = object
      // The SDK passes the digest on, though the type of these options leaves it out.
      const options: BlockBlobUploadOptions & BlockBlobStageBlockOptions = {
        ...propertiesOf(object),
        abortSignal: signal,
        transactionalContentMD5: Buffer.from(digest, 'base64'),
      }
      const blob = container.getBlockBlobClient(key)
      await call(`write ${key}`, () => sendBody(bytes, (body) => blob.upload(() => body, bytes.length, options)), {
        signal,
      })
    },

    async putInParts(object: ObjectToWrite): Promise<PartsUpload> {
      const { key, writerToken, isReplacement = false } = object
      const blob = container.getBlockBlobClient(key)
      const blocks: string[] = []
      return {
        async put(number: number, { bytes, digest }: Part, signal: AbortSignal) {
          const id = blockId(number, writerToken)
          await call(
            `write block ${number} of ${key}`,
            () =>
              sendBody(bytes, (body) =>
                blob.stageBlock(id, () => body, bytes.length, {
                  abortSignal: signal,
                  transactionalContentMD5: Buffer.from(digest, 'base64'),
                }),
              ),
            { signal },
          )
          blocks[number - 1] = id
        },
        async complete() {
          await call(`complete ${key}`, () => blob.commitBlockList(blocks, propertiesOf(object)))
        },
        async drop() {
          // Those of others would go, too, and an empty blob would be seen. The next commit drops them, or Azure after a week.
          if (!isReplacement) await dropBlocks(key, { isRepeated: false })
        },
      }
    },

    async find(key, options) {
      try {
        const found = await call(`look for ${key}`, () => container.getBlobClient(key).getProperties(), options)
        return { sizeInBytes: found.contentLength ?? 0, writerToken: found.metadata?.[WRITER_TOKEN] }
      } catch (error) {
        if (isNotThere(error)) return undefined
        throw error
      }
    },

    async get(key, { range, etag }) {
      const answer = await call(`read ${key}`, () =>
        container.getBlobClient(key).download(range?.start, range && range.end - range.start + 1, {
          conditions: { ...(etag && { ifMatch: etag }) },
          // Reading goes on by one rule for all stores.
          maxRetryRequests: 0,
        }),
      )
      const whole = /\/(\d+)$/.exec(answer.contentRange ?? '')?.[1] ?? answer.contentLength
      return { sizeInBytes: Number(whole), etag: answer.etag ?? '', bytes: answer.readableStreamBody as Readable }
    },

    async *list(prefix) {
      for await (const { name, properties } of listed(prefix)) {
        yield { key: name, sizeInBytes: properties.contentLength ?? 0, storedAt: properties.lastModified.getTime() }
      }
    },

    async delete(key) {
      try {
        await call(`delete ${key}`, () => container.getBlobClient(key).delete({ deleteSnapshots: 'include' }))
      } catch (error) {
        if (!isNotThere(error)) throw error
      }
    },

    async copy(from, to) {
      const source = container.getBlobClient(from)
      await call(`copy ${from} to ${to}`, async () => {
        // Azure may go on with it after it has answered.
        const copying = await container.getBlobClient(to).beginCopyFromURL(source.url, { intervalInMs: COPY_LOOK_MS })
        await copying.pollUntilDone()
      })
    },

    async *incomplete(prefix) {
      for await (const blob of listed(prefix, { includeUncommitedBlobs: true, includeMetadata: true })) {
        const { properties, metadata } = blob
        // What was never completed is listed as empty and has no metadata, unlike an empty blob of ours.
        if (properties.contentLength !== 0 || metadata?.[WRITER_TOKEN] !== undefined) continue
        const found = await incompleteOf(blob)
        if (found !== undefined) yield found
      }
    },
  }
}

function propertiesOf({ writerToken, headers, isReplacement = false }: ObjectToWrite) {
  return {
    ...(!isReplacement && { conditions: IF_NONE_THERE }),
    metadata: { [WRITER_TOKEN]: writerToken },
    blobHTTPHeaders: {
      blobContentType: headers?.['content-type'] ?? CONTENT_TYPE,
      ...(headers && {
        blobCacheControl: headers['cache-control'],
        blobContentDisposition: headers['content-disposition'],
      }),
    },
  }
}

/**
 * Azure does not say when a block was written, so the id of each has it. All ids of a blob must be of one length, and the blocks of those
 * who write it at the same time must not take each other's place.
 */
function blockId(number: number, writerToken: string): string {
  const time = Date.now().toString(36).padStart(10, '0')
  const id = `${time}.${String(number).padStart(5, '0')}.${writerToken.slice(0, 8)}`
  return Buffer.from(id).toString('base64')
}

/** Milliseconds since 1970. A block of somebody else is as good as new. */
function writtenAt(blockId: string): number {
  const [time = ''] = Buffer.from(blockId, 'base64').toString().split('.')
  return Number.parseInt(time, 36) || Date.now()
}
