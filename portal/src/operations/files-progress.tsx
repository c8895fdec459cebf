import { ProgressBar } from '@fluentui/react-progress'
import type { FileProgress } from '../../../src/client/api-types.ts'
import { type Column, DataList } from '../show/data-list.tsx'
import { formatBytes } from '../show/format.ts'

const PHASES: Readonly<Record<FileProgress['phase'], string>> = {
  Waiting: 'Waiting',
  Downloading: 'Being fetched, checked and scanned',
  Distributing: 'Being copied to the distribution stores',
  Done: 'Done',
}

/** How far an import is with each file. */
export function FilesProgress({ files, hasFailed }: { files: readonly FileProgress[]; hasFailed: boolean }) {
  const columns: readonly Column<FileProgress>[] = [
    { title: 'File name', width: 1.5, show: ({ fileName }) => fileName },
    {
      title: 'Phase',
      width: 1.2,
      // Of an operation that has ended nothing goes on.
      show: ({ phase }) => (hasFailed && phase !== 'Done' ? 'Not finished' : PHASES[phase]),
    },
    { title: 'Progress', width: 1.5, show: (file) => <Progress file={file} hasFailed={hasFailed} /> },
  ]
  return (
    <DataList label="Files" columns={columns} items={files} keyOf={({ item, fileName }) => `${item} ${fileName}`} />
  )
}

function Progress({
  file: { fileName, bytesDone, sizeInBytes, phase },
  hasFailed,
}: {
  file: FileProgress
  hasFailed: boolean
}) {
  const text = `${formatBytes(bytesDone)} of ${formatBytes(sizeInBytes)}`
  return (
    <>
      <ProgressBar
        value={sizeInBytes === 0 ? 1 : bytesDone / sizeInBytes}
        color={phase === 'Done' ? 'success' : hasFailed ? 'error' : 'brand'}
        thickness="large"
        aria-label={`Progress of ${fileName}`}
        aria-valuetext={text}
      />
      <span>{text}</span>
    </>
  )
}
