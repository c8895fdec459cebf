import { Field } from '@fluentui/react-field'
import { useCardStyles } from '../use-card-styles.ts'
import type { ReferenceStep } from './draft.ts'
import { useMaking } from './make-context.ts'
import { SuggestingInput } from './suggesting-input.tsx'
import { useUpdates } from './use-suggestions.ts'

/** A step that installs another update of the instance. */
export function ReferenceStepFields({
  step,
  index,
  onChange,
}: {
  step: ReferenceStep
  index: number
  onChange: (step: ReferenceStep) => void
}) {
  const card = useCardStyles()
  const { tell } = useMaking()
  const suggestions = useUpdates(step.update)
  const isWhole = step.update.split('/').every((part) => part.trim() !== '') && step.update.split('/').length === 3
  const told = tell(['steps', index, 'updateId'], { isEmpty: step.update === '', alsoInside: true })
  return (
    <Field
      label={`Update of step ${index + 1}`}
      required
      hint="Type a part of its name to search. Written as PROVIDER/NAME/VERSION; it must not be deployable by itself."
      {...told}
      {...(told.validationMessage !== undefined &&
        !isWhole && {
          validationMessage: 'Write the update as PROVIDER/NAME/VERSION, such as Contoso/Toaster/1.0.',
        })}
    >
      <SuggestingInput
        className={card.input}
        suggestions={suggestions}
        value={step.update}
        onChange={(_event, { value }) => onChange({ ...step, update: value })}
      />
    </Field>
  )
}
