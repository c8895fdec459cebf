import type { Verdict } from '../../src/domain/verdict.ts'
import type { Scanner } from '../../src/ports/scanner.ts'

/** Scans some bytes as one file. Its size is that of the chunks unless another one is announced. */
export async function scanBytes(
  scanner: Scanner,
  chunks: readonly Uint8Array[],
  {
    sizeInBytes = sizeOf(chunks),
    signal = new AbortController().signal,
  }: { sizeInBytes?: number; signal?: AbortSignal } = {},
): Promise<Verdict> {
  await using scan = await scanner.begin({ sizeInBytes, signal })
  for (const chunk of chunks) await scan.write(chunk)
  return await scan.verdict()
}

function sizeOf(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((sum, { byteLength }) => sum + byteLength, 0)
}
