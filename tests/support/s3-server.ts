import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { crc32 } from 'node:zlib'
import { isSignedWith, signerOf } from './s3-signature.ts'

/** A key of a server, and what it may do. */
export interface S3Key {
  accessKeyId: string
  secretAccessKey: string
  mayMakeBuckets?: boolean
}

export interface S3Server extends AsyncDisposable {
  port: number
  /** May make buckets. */
  key: S3Key
  /** Adds a key. */
  allow(key: S3Key): void
  /** Puts an object as another program would. */
  put(bucket: string, key: string, bytes: Uint8Array): void
  /** What somebody downloads who may read the bucket. */
  object(bucket: string, key: string): { bytes: Buffer; headers: Record<string, string> } | undefined
  /** Deletes a bucket with all that is in it. */
  deleteBucket(bucket: string): void
  /** Lets all uploads that are not complete look so much older. */
  age(bucket: string, ageMs: number): void
  /** The keys of all objects, and those of all uploads that are not complete. */
  keys(bucket: string): { objects: string[]; uploads: string[] }
  /** How many items a page of a list has at most. */
  pageItemsMax: number
  /** Larger objects are copied in parts only: 5 GiB. */
  copyBytesMax: number
  /** Conditions on writes are refused as something that is not known, as older servers do. */
  knowsConditions: boolean
  /** Called with everything that is put. */
  onPut(request: IncomingMessage): void
}

interface StoredObject {
  bytes: Buffer
  etag: string
  metadata: Record<string, string>
  storedAt: Date
}

interface Upload {
  id: string
  key: string
  metadata: Record<string, string>
  hasChecksums: boolean
  begunAt: Date
  parts: Map<number, StoredObject & { checksum: string | undefined }>
}

interface Bucket {
  objects: Map<string, StoredObject>
  uploads: Map<string, Upload>
}

class Refused extends Error {
  readonly status: number
  readonly code: string

  constructor(status: number, code: string) {
    super(code)
    this.status = status
    this.code = code
  }
}

/** The least that a part has which is not the last one (Amazon S3 API, UploadPart). */
const PART_BYTES_MIN = 5 * 1024 * 1024

/**
 * Starts a server that speaks the part of the S3 API which object stores need, and checks what Amazon's checks: signatures, digests and
 * checksums of bodies, sizes, order and ETags of parts, conditions. There is none on npm that knows multipart uploads well enough:
 * s3rver and its kin neither list nor abort them and check no bytes. The same tests run against MinIO where that is installed.
 */
export async function startS3Server(): Promise<S3Server> {
  const buckets = new Map<string, Bucket>()
  const key: S3Key = {
    accessKeyId: `AKIA${randomBytes(8).toString('hex').toUpperCase()}`,
    secretAccessKey: randomBytes(20).toString('hex'),
    mayMakeBuckets: true,
  }
  const keys = new Map([[key.accessKeyId, key]])

  function bucketOf(name: string): Bucket {
    const bucket = buckets.get(name)
    if (bucket === undefined) throw new Refused(404, 'NoSuchBucket')
    return bucket
  }

  function answer(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
    const url = new URL(request.url ?? '', 'http://server')
    const [, bucketName = '', ...rest] = url.pathname.split('/').map(decodeURIComponent)
    const query = url.searchParams
    const signer = keys.get(signerOf(request) ?? '')
    if (signer === undefined) throw new Refused(403, 'InvalidAccessKeyId')
    if (!isSignedWith(signer.secretAccessKey, request)) throw new Refused(403, 'SignatureDoesNotMatch')
    checkBody(request, body)
    const objectKey = rest.join('/')
    if (request.method === 'PUT') server.onPut(request)
    const xml = (text: string) => response.writeHead(200, { 'content-type': 'application/xml' }).end(text)

    if (objectKey === '') {
      if (request.method === 'PUT') {
        if (!signer.mayMakeBuckets) throw new Refused(403, 'AccessDenied')
        if (buckets.has(bucketName)) throw new Refused(409, 'BucketAlreadyOwnedByYou')
        buckets.set(bucketName, { objects: new Map(), uploads: new Map() })
        response.end()
        return
      }
      const bucket = bucketOf(bucketName)
      if (query.has('uploads')) xml(listUploads(bucket, query))
      else xml(listObjects(bucket, query))
      return
    }

    const bucket = bucketOf(bucketName)
    const upload = query.has('uploadId') ? uploadOf(bucket, objectKey, query.get('uploadId') ?? '') : undefined
    switch (request.method) {
      case 'POST':
        if (upload !== undefined) xml(complete(bucket, upload, { request, body: body.toString() }))
        else xml(begin(bucket, objectKey, request))
        return
      case 'PUT': {
        const source = copySourceOf(request)
        if (source !== undefined) {
          const copy = source.bytes
          if (upload === undefined) bucket.objects.set(objectKey, { ...source, storedAt: new Date() })
          else upload.parts.set(Number(query.get('partNumber')), { ...storedObject(copy, {}), checksum: crc32Of(copy) })
          const result = upload === undefined ? 'CopyObjectResult' : 'CopyPartResult'
          const checksum = upload?.hasChecksums ? `<ChecksumCRC32>${crc32Of(copy)}</ChecksumCRC32>` : ''
          xml(`<${result}><ETag>${storedObject(copy, {}).etag}</ETag>${checksum}</${result}>`)
          return
        }
        if (upload === undefined) {
          refuseIfThere(bucket, objectKey, request)
          const object = storedObject(body, metadataOf(request))
          bucket.objects.set(objectKey, object)
          response.setHeader('etag', object.etag)
        } else {
          const checksum = request.headers['x-amz-checksum-crc32'] as string | undefined
          if (upload.hasChecksums && checksum === undefined) throw new Refused(400, 'InvalidRequest')
          const part = { ...storedObject(body, {}), checksum }
          upload.parts.set(Number(query.get('partNumber')), part)
          response.setHeader('etag', part.etag)
          if (checksum !== undefined) response.setHeader('x-amz-checksum-crc32', checksum)
        }
        response.end()
        return
      }
      case 'DELETE':
        if (upload === undefined) bucket.objects.delete(objectKey)
        else bucket.uploads.delete(upload.id)
        response.writeHead(204).end()
        return
      default:
        if (upload !== undefined) xml(listParts(upload, query))
        else giveObject(bucket, objectKey, request, response)
    }
  }

  /** What a request wants copied (Amazon S3 API, CopyObject and UploadPartCopy). */
  function copySourceOf({ headers }: IncomingMessage): StoredObject | undefined {
    const place = headers['x-amz-copy-source']
    if (place === undefined) return undefined
    const [bucketName = '', ...rest] = String(place).split('/').map(decodeURIComponent)
    const object = bucketOf(bucketName).objects.get(rest.join('/'))
    if (object === undefined) throw new Refused(404, 'NoSuchKey')
    const range = headers['x-amz-copy-source-range']
    if (range === undefined && object.bytes.length > server.copyBytesMax) throw new Refused(400, 'InvalidRequest')
    if (![undefined, object.etag].includes(String(headers['x-amz-copy-source-if-match'] ?? object.etag))) {
      throw new Refused(412, 'PreconditionFailed')
    }
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(String(range)) ?? []
    return first === undefined ? object : { ...object, bytes: object.bytes.subarray(Number(first), Number(last) + 1) }
  }

  function refuseIfThere({ objects }: Bucket, objectKey: string, { headers }: IncomingMessage): void {
    if (headers['if-none-match'] === undefined) return
    if (!server.knowsConditions) throw new Refused(501, 'NotImplemented')
    if (objects.has(objectKey)) throw new Refused(412, 'PreconditionFailed')
  }

  function begin({ uploads }: Bucket, objectKey: string, request: IncomingMessage): string {
    const id = randomBytes(16).toString('hex')
    const hasChecksums = request.headers['x-amz-checksum-algorithm'] === 'CRC32'
    const metadata = metadataOf(request)
    uploads.set(id, { id, key: objectKey, metadata, hasChecksums, begunAt: new Date(), parts: new Map() })
    return `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`
  }

  function complete(
    bucket: Bucket,
    upload: Upload,
    { request, body }: { request: IncomingMessage; body: string },
  ): string {
    refuseIfThere(bucket, upload.key, request)
    const named = [...body.matchAll(/<Part>(.*?)<\/Part>/gs)].map(([, part = '']) => ({
      number: Number(/<PartNumber>(\d+)</.exec(part)?.[1]),
      etag: /<ETag>(.*?)</.exec(part)?.[1]?.replaceAll('&quot;', '"'),
      checksum: /<ChecksumCRC32>(.*?)</.exec(part)?.[1],
    }))
    const parts = named.map(({ number, etag, checksum }, index) => {
      const part = upload.parts.get(number)
      if (number !== index + 1) throw new Refused(400, 'InvalidPartOrder')
      if (part === undefined || part.etag !== etag || (upload.hasChecksums && part.checksum !== checksum)) {
        throw new Refused(400, 'InvalidPart')
      }
      if (part.bytes.length < PART_BYTES_MIN && index < named.length - 1) throw new Refused(400, 'EntityTooSmall')
      return part.bytes
    })
    if (parts.length === 0) throw new Refused(400, 'MalformedXML')
    bucket.objects.set(upload.key, storedObject(Buffer.concat(parts), upload.metadata))
    bucket.uploads.delete(upload.id)
    return '<CompleteMultipartUploadResult><ETag>"whole"</ETag></CompleteMultipartUploadResult>'
  }

  function listObjects({ objects }: Bucket, query: URLSearchParams): string {
    const found = [...objects].filter(([name]) => name.startsWith(query.get('prefix') ?? '')).sort(byKey)
    const { page, next } = pageOf(found, query.get('continuation-token'), Number(query.get('max-keys') ?? 1000))
    const items = page.map(
      ([name, { bytes, etag, storedAt }]) =>
        `<Contents><Key>${escaped(name)}</Key><Size>${bytes.length}</Size><ETag>${etag}</ETag><LastModified>${storedAt.toISOString()}</LastModified></Contents>`,
    )
    return `<ListBucketResult><IsTruncated>${next !== ''}</IsTruncated><NextContinuationToken>${next}</NextContinuationToken>${items.join('')}</ListBucketResult>`
  }

  function listUploads({ uploads }: Bucket, query: URLSearchParams): string {
    const found = [...uploads.values()]
      .filter(({ key }) => key.startsWith(query.get('prefix') ?? ''))
      .map((upload) => [`${upload.key} ${upload.id}`, upload] as const)
      .sort(byKey)
    const marker = query.has('key-marker') ? `${query.get('key-marker')} ${query.get('upload-id-marker')}` : null
    const { page, next } = pageOf(found, marker, 1000)
    const [nextKey, nextId] = next.split(' ')
    const items = page.map(
      ([, { key, id, begunAt }]) =>
        `<Upload><Key>${escaped(key)}</Key><UploadId>${id}</UploadId><Initiated>${begunAt.toISOString()}</Initiated></Upload>`,
    )
    return `<ListMultipartUploadsResult><IsTruncated>${next !== ''}</IsTruncated><NextKeyMarker>${nextKey}</NextKeyMarker><NextUploadIdMarker>${nextId}</NextUploadIdMarker>${items.join('')}</ListMultipartUploadsResult>`
  }

  function listParts({ parts }: Upload, query: URLSearchParams): string {
    const found = [...parts].map(([number, part]) => [String(number).padStart(5, '0'), part] as const).sort(byKey)
    const marker = query.get('part-number-marker')?.padStart(5, '0') ?? null
    const { page, next } = pageOf(found, marker, 1000)
    const items = page.map(
      ([number, { bytes, etag, storedAt }]) =>
        `<Part><PartNumber>${Number(number)}</PartNumber><Size>${bytes.length}</Size><ETag>${etag}</ETag><LastModified>${storedAt.toISOString()}</LastModified></Part>`,
    )
    return `<ListPartsResult><IsTruncated>${next !== ''}</IsTruncated><NextPartNumberMarker>${Number(next)}</NextPartNumberMarker>${items.join('')}</ListPartsResult>`
  }

  /** What comes after `marker`; `next` is empty on the last page. */
  function pageOf<T extends readonly [string, unknown]>(all: T[], marker: string | null, itemsMax: number) {
    const rest = marker === null ? all : all.filter(([name]) => name > marker)
    const page = rest.slice(0, Math.min(itemsMax, server.pageItemsMax))
    return { page, next: page.length < rest.length ? (page.at(-1)?.[0] ?? '') : '' }
  }

  const listener = createServer(async (request, response) => {
    try {
      answer(request, response, Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>)))
    } catch (error) {
      if (!(error instanceof Refused)) return void request.socket.destroy()
      const body = `<Error><Code>${error.code}</Code><Message>The secret text of the server.</Message></Error>`
      response.writeHead(error.status, { 'content-type': 'application/xml' })
      response.end(request.method === 'HEAD' ? undefined : body)
    }
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const server: S3Server = {
    port: (listener.address() as AddressInfo).port,
    key,
    allow: (other) => void keys.set(other.accessKeyId, other),
    put: (bucket, name, bytes) => void bucketOf(bucket).objects.set(name, storedObject(Buffer.from(bytes), {})),
    object(bucket, name) {
      const { bytes, metadata: headers } = bucketOf(bucket).objects.get(name) ?? {}
      return bytes && headers && { bytes, headers }
    },
    deleteBucket: (bucket) => void buckets.delete(bucket),
    age(bucket, ageMs) {
      for (const upload of bucketOf(bucket).uploads.values()) {
        for (const times of [upload, ...upload.parts.values()]) {
          if ('begunAt' in times) times.begunAt = new Date(times.begunAt.getTime() - ageMs)
          else times.storedAt = new Date(times.storedAt.getTime() - ageMs)
        }
      }
    },
    keys(bucket) {
      const { objects, uploads } = bucketOf(bucket)
      return { objects: [...objects.keys()], uploads: [...uploads.values()].map((upload) => upload.key) }
    },
    pageItemsMax: 1000,
    copyBytesMax: 5 * 1024 ** 3,
    knowsConditions: true,
    onPut() {},
    async [Symbol.asyncDispose]() {
      listener.closeAllConnections()
      listener.close()
      await once(listener, 'close')
    },
  }
  return server
}

function uploadOf({ uploads }: Bucket, key: string, id: string): Upload {
  const upload = uploads.get(id)
  if (upload?.key !== key) throw new Refused(404, 'NoSuchUpload')
  return upload
}

function storedObject(bytes: Buffer, metadata: Record<string, string>): StoredObject {
  return { bytes, metadata, etag: `"${createHash('md5').update(bytes).digest('hex')}"`, storedAt: new Date() }
}

/** What is given back with the object. */
function metadataOf({ headers }: IncomingMessage): Record<string, string> {
  const isKept = (name: string) => /^(x-amz-meta-.*|cache-control|content-type|content-disposition)$/.test(name)
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (isKept(name) ? [[name, String(value)]] : [])),
  )
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)
}

function checkBody({ headers }: IncomingMessage, body: Buffer): void {
  const sha256 = headers['x-amz-content-sha256']
  if (sha256 !== createHash('sha256').update(body).digest('hex')) throw new Refused(400, 'XAmzContentSHA256Mismatch')
  const checksum = headers['x-amz-checksum-crc32']
  if (checksum !== undefined && checksum !== crc32Of(body)) throw new Refused(400, 'BadDigest')
}

function crc32Of(bytes: Uint8Array): string {
  const checksum = Buffer.alloc(4)
  checksum.writeUInt32BE(crc32(bytes))
  return checksum.toString('base64')
}

function giveObject({ objects }: Bucket, key: string, request: IncomingMessage, response: ServerResponse): void {
  const object = objects.get(key)
  if (object === undefined) throw new Refused(404, 'NoSuchKey')
  const { bytes, etag, metadata, storedAt } = object
  if (![undefined, etag].includes(request.headers['if-match'])) throw new Refused(412, 'PreconditionFailed')
  response.setHeaders(new Map(Object.entries({ ...metadata, etag, 'last-modified': storedAt.toUTCString() })))
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? []
  let given = bytes
  if (first !== undefined) {
    if (Number(first) >= bytes.length) throw new Refused(416, 'InvalidRange')
    given = bytes.subarray(Number(first), Number(last) + 1)
    response.statusCode = 206
    response.setHeader('content-range', `bytes ${first}-${Number(first) + given.length - 1}/${bytes.length}`)
  }
  response.setHeader('content-length', given.length)
  response.end(request.method === 'HEAD' ? undefined : given)
}

function byKey([one]: readonly [string, unknown], [other]: readonly [string, unknown]): number {
  return one < other ? -1 : 1
}
