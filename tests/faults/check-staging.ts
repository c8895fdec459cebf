import type { DatabaseSync } from 'node:sqlite'
import type { Finding } from './finding.ts'

interface UploadRow {
  id: string
  size: number
  received: number
  released: number | null
}

interface PartRow {
  upload: string
  start: number
  size: number
  sha256: string
  blobSize: number | null
}

/** Whether every upload has the bytes that its row says, one part after the other, and no operation that ended holds any. */
export function checkStaging(database: DatabaseSync): Finding[] {
  const uploads = database
    .prepare(
      'select id, size_in_bytes as size, bytes_received as received, released_at as released from staged_uploads order by id',
    )
    .all() as unknown as UploadRow[]
  const parts = database
    .prepare(
      `select p.upload_id as upload, p.start, p.size_in_bytes as size, p.sha256, b.size_in_bytes as blobSize
         from staged_parts p left join blobs b on b.sha256 = p.sha256 where p.is_kept order by p.upload_id, p.start`,
    )
    .all() as unknown as PartRow[]

  const findings = uploads.flatMap(({ id, size, received, released }): Finding[] => {
    const find = (what: string): Finding => ({ code: 'staged-wrong', sentence: `The upload ${id} ${what}.` })
    const own = parts.filter(({ upload }) => upload === id)
    if (released !== null) return own.length > 0 ? [find('is released, but has parts')] : []
    const wrong: Finding[] = []
    let end = 0
    for (const part of own) {
      if (part.start !== end) wrong.push(find(`has a part at ${part.start}, where ${end} was expected`))
      if (part.blobSize !== part.size) {
        wrong.push(find(`has a part ${part.sha256} of ${part.size} bytes, whose blob has ${part.blobSize}`))
      }
      end = part.start + part.size
    }
    if (end !== received) wrong.push(find(`says that it has ${received} bytes, but its parts end at ${end}`))
    if (received > size) wrong.push(find(`has ${received} bytes, and was announced with ${size}`))
    return wrong
  })
  const uses = database
    .prepare(
      `select u.operation_id as operation, u.upload_id as upload from staged_uses u join operations o on o.id = u.operation_id
        where o.status in ('Succeeded', 'Failed')`,
    )
    .all() as { operation: string; upload: string }[]
  return [
    ...findings,
    ...uses.map(({ operation, upload }): Finding => {
      return {
        code: 'staged-held',
        sentence: `The operation ${operation} has ended, but still uses the upload ${upload}.`,
      }
    }),
  ]
}
