import { Accordion, AccordionHeader, AccordionItem, AccordionPanel } from '@fluentui/react-accordion'
import { Button } from '@fluentui/react-button'
import { Checkbox } from '@fluentui/react-checkbox'
import { Field } from '@fluentui/react-field'
import { Input } from '@fluentui/react-input'
import { Text } from '@fluentui/react-text'
import { makeStyles } from '@griffel/react'
import { FileState } from '../files/file-state.tsx'
import type { PickedFile } from '../files/picked-file.ts'
import { useCardStyles } from '../use-card-styles.ts'
import { type FileExtras, mainFiles, NO_EXTRAS } from './draft.ts'
import { useMaking } from './make-context.ts'
import { PropertyRows } from './property-rows.tsx'
import { Told } from './told.tsx'

const useStyles = makeStyles({
  list: { listStyleType: 'none', margin: '0', padding: '0', display: 'grid', gap: '12px' },
})

/** The files of the update, with what only deltas need folded away. */
export function FileList({ onRemove }: { onRemove: (key: string) => void }) {
  const styles = useStyles()
  const card = useCardStyles()
  const { draft, files, tell } = useMaking()
  return (
    <section className={card.card} aria-label="Files">
      <Text as="h2" weight="semibold" size={400} className={card.title}>
        Files
      </Text>
      {files.length === 0 && <Text>Drop or choose the files that devices shall get, above.</Text>}
      <Told by={tell(['files'], { isEmpty: files.length === 0 })} />
      <ul className={styles.list}>
        {files.map((file) => (
          <li key={file.key}>
            <div className={card.head}>
              <Text weight="semibold" className={card.title}>
                <bdi>{file.name}</bdi>
              </Text>
              <Button size="small" onClick={() => onRemove(file.key)} aria-label={`Remove ${file.name}`}>
                Remove
              </Button>
            </div>
            <Text size={200}>
              <FileState file={file} />
            </Text>
            <Told by={tell(['files', mainFiles(draft, files).indexOf(file)], { alsoInside: true })} />
            <DeltaFields file={file} />
          </li>
        ))}
      </ul>
    </section>
  )
}

function DeltaFields({ file: { key, name } }: { file: PickedFile }) {
  const card = useCardStyles()
  const { draft, change, files } = useMaking()
  const extras = draft.extras[key] ?? NO_EXTRAS
  const isRelated = !mainFiles(draft, files).some((file) => file.key === key)
  const changeExtras = (next: Partial<FileExtras>) =>
    change((current) => ({
      ...current,
      extras: { ...current.extras, [key]: { ...(current.extras[key] ?? NO_EXTRAS), ...next } },
    }))
  return (
    <Accordion collapsible>
      <AccordionItem value="delta">
        <AccordionHeader size="small">For deltas</AccordionHeader>
        <AccordionPanel>
          {isRelated ? (
            <PropertyRows
              rows={extras.properties}
              place={[]}
              noun="Property"
              onChange={(properties) => changeExtras({ properties })}
            />
          ) : (
            <>
              <Field label={`Download handler of ${name}`} hint="Such as microsoft/delta:1">
                <Input
                  className={card.input}
                  value={extras.downloadHandler}
                  onChange={(_event, { value }) => changeExtras({ downloadHandler: value })}
                />
              </Field>
              {files
                .filter((other) => other.key !== key)
                .map((other) => (
                  <Checkbox
                    key={other.key}
                    label={`${other.name} helps a device to make ${name} from a file that it has`}
                    checked={extras.related.includes(other.key)}
                    onChange={(_event, { checked }) =>
                      changeExtras({
                        related: checked
                          ? [...extras.related, other.key]
                          : extras.related.filter((one) => one !== other.key),
                      })
                    }
                  />
                ))}
            </>
          )}
        </AccordionPanel>
      </AccordionItem>
    </Accordion>
  )
}
