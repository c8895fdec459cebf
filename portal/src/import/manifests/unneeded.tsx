import { Button } from '@fluentui/react-button'
import { makeStyles } from '@griffel/react'
import type { PickedFile } from '../files/picked-file.ts'

const useStyles = makeStyles({
  list: { listStyleType: 'none', margin: '0', padding: '0', display: 'grid', gap: '4px' },
  line: { display: 'flex', flexWrap: 'wrap', alignItems: 'center', gap: '4px 12px' },
})

/** Files that no manifest names: they are not uploaded. */
export function Unneeded({ files, onRemove }: { files: readonly PickedFile[]; onRemove: (key: string) => void }) {
  const styles = useStyles()
  if (files.length === 0) return null
  return (
    <>
      <p>No manifest names these files, so they are not imported:</p>
      <ul className={styles.list}>
        {files.map(({ key, path, name }) => (
          <li key={key} className={styles.line}>
            <bdi>{path}</bdi>
            <Button size="small" onClick={() => onRemove(key)} aria-label={`Remove ${name}`}>
              Remove
            </Button>
          </li>
        ))}
      </ul>
    </>
  )
}
