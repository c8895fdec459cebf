import { Field } from '@fluentui/react-field'
import { Input } from '@fluentui/react-input'
import { Select } from '@fluentui/react-select'
import type { HandlerProperty } from '../../../../src/domain/manifest/known-handlers.ts'
import { useCardStyles } from '../use-card-styles.ts'
import type { InlineStep } from './draft.ts'
import { useMaking } from './make-context.ts'

/** A property that a known handler looks for. What follows from the rest is filled in, and said. */
export function HandlerPropertyField({
  property: { name, words, isRequired, isFileName, values },
  step,
  index,
  onChange,
}: {
  property: HandlerProperty
  step: InlineStep
  index: number
  onChange: (value: string) => void
}) {
  const card = useCardStyles()
  const { choices, tell, files } = useMaking()
  const value = step.known[name] ?? ''
  const chosen = choices.steps[index]
  const written =
    chosen?.type === 'inline' ? chosen.handlerProperties?.find((one) => one.name === name)?.value : undefined
  const filledIn = value === '' && typeof written === 'string' ? written : undefined
  const options = isFileName ? step.files.flatMap((key) => files.find((file) => file.key === key)?.name ?? []) : values
  return (
    <Field
      label={name}
      required={isRequired}
      hint={filledIn === undefined ? words : `${words} Filled in: ${filledIn}`}
      {...tell(['steps', index, 'handlerProperties', name], { isEmpty: value === '' })}
    >
      {options === undefined ? (
        <Input
          className={card.input}
          value={value}
          {...(filledIn !== undefined && { placeholder: filledIn })}
          onChange={(_event, data) => onChange(data.value)}
        />
      ) : (
        <Select value={value} onChange={(_event, data) => onChange(data.value)}>
          <option value="">{filledIn ?? (isRequired ? 'Choose one' : 'Not given')}</option>
          {options.map((option) => (
            <option key={option}>{option}</option>
          ))}
        </Select>
      )}
    </Field>
  )
}
