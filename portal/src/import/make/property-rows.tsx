import { Button } from '@fluentui/react-button'
import { Field } from '@fluentui/react-field'
import { Input } from '@fluentui/react-input'
import type { Place } from '../../../../src/domain/authoring/place-of.ts'
import { useCardStyles } from '../use-card-styles.ts'
import { newRow, type PropertyRow } from './draft.ts'
import { useMaking } from './make-context.ts'

/** Names and values that may be anything. */
export function PropertyRows({
  rows,
  place,
  noun,
  onChange,
}: {
  rows: readonly PropertyRow[]
  place: Place
  /** Such as `Property`. */
  noun: string
  onChange: (rows: readonly PropertyRow[]) => void
}) {
  const card = useCardStyles()
  const { tell } = useMaking()
  const changeRow = (key: string, next: Partial<PropertyRow>) =>
    onChange(rows.map((row) => (row.key === key ? { ...row, ...next } : row)))
  return (
    <>
      {rows.map(({ key, name, value }, index) => (
        <div key={key} className={card.row}>
          <Field label={`${noun} ${index + 1}`} className={card.grow}>
            <Input
              className={card.input}
              value={name}
              onChange={(_event, data) => changeRow(key, { name: data.value })}
            />
          </Field>
          <Field
            label={`Value of ${name === '' ? `${noun.toLowerCase()} ${index + 1}` : name}`}
            className={card.grow}
            {...tell([...place, name], { isEmpty: value === '' })}
          >
            <Input
              className={card.input}
              value={value}
              onChange={(_event, data) => changeRow(key, { value: data.value })}
            />
          </Field>
          <Button
            className={card.beside}
            aria-label={`Remove ${noun.toLowerCase()} ${index + 1}`}
            onClick={() => onChange(rows.filter((row) => row.key !== key))}
          >
            Remove
          </Button>
        </div>
      ))}
      <div className={card.buttons}>
        <Button size="small" onClick={() => onChange([...rows, newRow()])}>
          Add a {noun.toLowerCase()}
        </Button>
      </div>
    </>
  )
}
