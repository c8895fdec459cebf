import { AppError } from '../../domain/errors.ts'
import { type ReadOptions, readSource } from './read-source.ts'

/**
 * Asks a source for its bytes as an import does, and leaves with the first of them. A request for the headers alone would not do: links
 * that are signed for one method refuse any other. Answers whether the source said how many bytes there are; where `sizeInBytes` is
 * known, it is those.
 *
 * Throws `AppError` with a code of the `source` place.
 */
export async function reachSource(
  file: { title: string; url: URL; sizeInBytes: number | undefined },
  options: Pick<ReadOptions, 'openSource' | 'retry' | 'signal'>,
): Promise<{ isSizeStated: boolean }> {
  const { title, sizeInBytes } = file
  let stated: number | undefined
  const source = readSource(file, {
    ...options,
    async onAnswer(answer) {
      stated = answer.sizeInBytes
    },
  })
  let bytesSeen = 0
  for await (const chunk of source) {
    bytesSeen = chunk.length
    break
  }
  if (sizeInBytes !== undefined && bytesSeen > sizeInBytes) {
    throw new AppError('SizeMismatch', `${title} should have ${sizeInBytes} bytes, but its source sends more.`)
  }
  if (sizeInBytes !== undefined && bytesSeen === 0) {
    throw new AppError('SizeMismatch', `${title} should have ${sizeInBytes} bytes, but its source sent 0.`)
  }
  return { isSizeStated: stated !== undefined }
}
