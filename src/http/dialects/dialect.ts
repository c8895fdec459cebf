import type { JsonValue } from '../../domain/json-text.ts'
import type { Operation } from '../../domain/operation.ts'
import type { Update, UpdateFile } from '../../domain/update.ts'
import type { UpdateId } from '../../domain/update-id.ts'

/**
 * One generation of the REST API. Dialects differ in addresses and in the members of documents, and in nothing else: all
 * translate to and from the same services.
 */
export interface Dialect {
  /** For logs and metrics. */
  name: 'v2' | '2021' | '2022'
  /** The address of an operation, always relative. */
  operationPath(instance: string, operationId: string): string
  /** The address of an update, always relative. */
  updatePath(instance: string, updateId: UpdateId): string
  /** Whether the answer to an import or deletion carries `Location` beside `Operation-Location`. */
  sendsLocation: boolean
  /** Whether an import must name files. */
  filesRequired: boolean
  update(update: Update): JsonValue
  file(file: UpdateFile): JsonValue
  operation(operation: Operation): JsonValue
}
