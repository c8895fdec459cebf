import { ProgressBar } from '@fluentui/react-progress'
import { formatBytes } from '../../show/format.ts'
import type { PickedFile } from './picked-file.ts'

/** How large a file is, and its hash, or how far the hashing is. */
export function FileState({ file: { file, name, hashing } }: { file: PickedFile }) {
  if (hashing.kind === 'running') {
    const part = file.size === 0 ? 1 : hashing.bytesDone / file.size
    return (
      <>
        {formatBytes(file.size)}, reading
        <ProgressBar value={part} aria-label={`Reading ${name}`} />
      </>
    )
  }
  if (hashing.kind === 'failed') return 'The browser cannot read it. Was it moved or changed? Choose it again.'
  return (
    <>
      {formatBytes(file.size)}, SHA-256 <code>{hashing.sha256}</code>
    </>
  )
}
