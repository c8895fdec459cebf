import { Button } from '@fluentui/react-button'
import { Text } from '@fluentui/react-text'
import { tokens } from '@fluentui/react-theme'
import { makeStyles, mergeClasses } from '@griffel/react'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import type { FileAtPath } from './picked-file.ts'
import { chosenFiles, readDropped } from './read-dropped.ts'

const useStyles = makeStyles({
  zone: {
    display: 'grid',
    justifyItems: 'center',
    gap: '12px',
    padding: '24px 16px',
    textAlign: 'center',
    borderRadius: tokens.borderRadiusLarge,
    border: `2px dashed ${tokens.colorNeutralStroke1}`,
    backgroundColor: tokens.colorNeutralBackground2,
  },
  over: { border: `2px dashed ${tokens.colorBrandStroke1}`, backgroundColor: tokens.colorBrandBackground2 },
  buttons: { display: 'flex', flexWrap: 'wrap', justifyContent: 'center', gap: '12px' },
})

/** Not among the attributes that React knows by type. */
const FOLDER = { webkitdirectory: '' }

/** Takes files and folders, dropped anywhere on the page or chosen by its buttons. */
export function DropZone({ children, onFiles }: { children: ReactNode; onFiles: (files: FileAtPath[]) => void }) {
  const styles = useStyles()
  const [isOver, setIsOver] = useState(false)
  const files = useRef<HTMLInputElement>(null)
  const folder = useRef<HTMLInputElement>(null)
  useEffect(() => {
    // What is dropped beside the zone would otherwise replace the page.
    const over = (event: DragEvent) => {
      if (!event.dataTransfer?.types.includes('Files')) return
      event.preventDefault()
      setIsOver(true)
    }
    const leave = (event: DragEvent) => {
      if (event.relatedTarget === null) setIsOver(false)
    }
    const drop = (event: DragEvent) => {
      if (!event.dataTransfer?.types.includes('Files')) return
      event.preventDefault()
      setIsOver(false)
      // Of what cannot be read nothing is taken; whoever misses it can choose it by the buttons.
      void readDropped(event.dataTransfer).then(onFiles, () => onFiles([]))
    }
    document.addEventListener('dragover', over)
    document.addEventListener('dragleave', leave)
    document.addEventListener('drop', drop)
    return () => {
      document.removeEventListener('dragover', over)
      document.removeEventListener('dragleave', leave)
      document.removeEventListener('drop', drop)
    }
  }, [onFiles])
  const take = (input: HTMLInputElement) => {
    const chosen = chosenFiles(input.files ?? [])
    // The same ones may be chosen again.
    input.value = ''
    onFiles(chosen)
  }
  return (
    <div className={mergeClasses(styles.zone, isOver && styles.over)}>
      <Text>{children}</Text>
      <div className={styles.buttons}>
        <Button appearance="primary" onClick={() => files.current?.click()}>
          Choose files
        </Button>
        <Button onClick={() => folder.current?.click()}>Choose a folder</Button>
      </div>
      <input ref={files} type="file" multiple hidden data-choose="files" onChange={(event) => take(event.target)} />
      <input
        ref={folder}
        type="file"
        {...FOLDER}
        hidden
        data-choose="folder"
        onChange={(event) => take(event.target)}
      />
    </div>
  )
}
