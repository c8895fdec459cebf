import { createHash } from 'node:crypto'
import type { ApiClient } from '../../src/client/api-client.ts'
import type { ContentFile, Operation, UpdateFile, UpdateWithContent } from '../../src/client/api-types.ts'

type Stable<T> = Omit<T, 'etag'>

/** What the API answers about an instance. Without ETags: a version that answers more may change them. */
export interface Answers {
  /** By their identity. */
  updates: Record<string, Stable<UpdateWithContent>>
  /** By the identity of their update and their id. */
  files: Record<string, Stable<UpdateFile>>
  /** Path of the content → SHA-256 of its bytes, in hex. */
  contents: Record<string, string>
  /** By their id. Those that have ended. */
  operations: Record<string, Stable<Operation>>
}

/** Asks for every update of an instance that is listed, every file, every byte and every import, and for these other operations. */
export async function readAnswers(client: ApiClient, otherOperationIds: readonly string[]): Promise<Answers> {
  const answers: Answers = { updates: {}, files: {}, contents: {}, operations: {} }
  for await (const { updateId } of client.listUpdates()) {
    const key = Object.values(updateId).join('/')
    const update = stable(await client.getUpdateWithContent(updateId))
    answers.updates[key] = update
    for (const file of update.files.flatMap(withRelated)) {
      const answer = await fetch(file.contentUrl)
      if (!answer.ok) throw new Error(`${file.contentUrl} answered ${answer.status}.`)
      // The port is another one each time.
      file.contentUrl = new URL(file.contentUrl).pathname
      answers.contents[file.contentUrl] = createHash('sha256')
        .update(await answer.bytes())
        .digest('hex')
    }
    for await (const fileId of client.listFiles(updateId)) {
      answers.files[`${key}/${fileId}`] = stable(await client.getFile({ updateId, fileId }))
    }
  }
  const imports = await Array.fromAsync(client.listOperations())
  const others = await Promise.all(otherOperationIds.map((id) => client.getOperation(id)))
  for (const operation of [...imports, ...others]) {
    if (operation.status === 'Running' || operation.status === 'NotStarted') continue
    answers.operations[operation.operationId] = stable(operation)
  }
  return answers
}

function withRelated(file: ContentFile & { relatedFiles?: ContentFile[] }): ContentFile[] {
  return [file, ...(file.relatedFiles ?? [])]
}

function stable<T extends { etag?: string }>({ etag: _, ...rest }: T): Stable<T> {
  return rest
}
