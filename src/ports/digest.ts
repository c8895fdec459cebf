import type { Block } from './block.ts'

/** Several hashes of the same bytes, worked out together. */
export interface Digest extends Disposable {
  /** Takes the next bytes; resolves when their memory may be reused. The next ones may be given before that. */
  update(block: Block): Promise<void>
  /** Algorithm → base64, when all bytes were taken. */
  result(): Promise<Readonly<Record<string, string>>>
}

/** Begins the hashes with these algorithms, by the names that Node's `createHash` knows. */
export type StartDigest = (algorithms: readonly string[]) => Digest
