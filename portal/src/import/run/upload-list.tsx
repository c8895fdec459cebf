import { ProgressBar } from '@fluentui/react-progress'
import { Text } from '@fluentui/react-text'
import { tokens } from '@fluentui/react-theme'
import { makeStyles } from '@griffel/react'
import { formatBytes } from '../../show/format.ts'
import type { UploadProgress } from './upload-all.ts'

const useStyles = makeStyles({
  part: { display: 'grid', gap: '12px' },
  list: { listStyleType: 'none', margin: '0', padding: '0', display: 'grid', gap: '8px' },
  line: { display: 'flex', flexWrap: 'wrap', justifyContent: 'space-between', gap: '4px 12px' },
  hidden: { position: 'absolute', width: '1px', height: '1px', overflow: 'hidden', clipPath: 'inset(50%)' },
  note: { color: tokens.colorNeutralForeground2 },
})

const WORDS: Record<UploadProgress['state'], string> = {
  waiting: 'Waiting',
  sending: 'Uploading',
  retrying: 'The connection was lost; trying again',
  done: 'Uploaded',
}

/** How far every upload is. Screen readers are told in tenths, and when the connection is lost. */
export function UploadList({ progress }: { progress: readonly UploadProgress[] }) {
  const styles = useStyles()
  const total = progress.reduce((sum, { sizeInBytes }) => sum + sizeInBytes, 0)
  const done = progress.reduce((sum, { bytesDone }) => sum + bytesDone, 0)
  const part = total === 0 ? 0 : done / total
  const isLost = progress.some(({ state }) => state === 'retrying')
  return (
    <div className={styles.part}>
      <Text weight="semibold">
        Uploading {formatBytes(done)} of {formatBytes(total)}
      </Text>
      <ProgressBar value={part} aria-label="All uploads" />
      <div role="status" className={styles.hidden}>
        {isLost ? WORDS.retrying : `Uploaded ${Math.floor(part * 10) * 10} %`}
      </div>
      <ul className={styles.list} aria-label="Uploads">
        {progress.map(({ name, sizeInBytes, bytesDone, state }, index) => (
          // Uploads never change their places.
          // biome-ignore lint/suspicious/noArrayIndexKey: two of them may have the same name.
          <li key={index}>
            <div className={styles.line}>
              <bdi>{name}</bdi>
              <span className={styles.note}>
                {WORDS[state]}
                {state === 'done' ? '' : `, ${formatBytes(bytesDone)} of ${formatBytes(sizeInBytes)}`}
              </span>
            </div>
            <ProgressBar
              value={sizeInBytes === 0 ? 1 : bytesDone / sizeInBytes}
              color={state === 'retrying' ? 'warning' : state === 'done' ? 'success' : 'brand'}
              aria-label={name}
            />
          </li>
        ))}
      </ul>
      <Text className={styles.note}>
        Stay on this page until the import has begun. If it is left, choose the same files again: the uploads go on
        where they stopped.
      </Text>
    </div>
  )
}
