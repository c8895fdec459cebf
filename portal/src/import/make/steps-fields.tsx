import { Button } from '@fluentui/react-button'
import { Field } from '@fluentui/react-field'
import { Input } from '@fluentui/react-input'
import { Text } from '@fluentui/react-text'
import { useId } from 'react'
import { LIMITS } from '../../../../src/domain/limits.ts'
import { useCardStyles } from '../use-card-styles.ts'
import { moved, newInlineStep, newReferenceStep, type Step } from './draft.ts'
import { InlineStepFields } from './inline-step-fields.tsx'
import { useMaking } from './make-context.ts'
import { ReferenceStepFields } from './reference-step-fields.tsx'
import { Told } from './told.tsx'

/** What devices do with the update, in this order. */
export function StepsFields() {
  const card = useCardStyles()
  const { draft, change, tell } = useMaking()
  const add = (step: Step) => change((current) => ({ ...current, steps: [...current.steps, step] }))
  const isFull = draft.steps.length >= LIMITS.stepsMax
  return (
    <section aria-label="Steps">
      <Told by={tell(['steps'])} />
      {draft.steps.map((step, index) => (
        <StepCard key={step.key} step={step} index={index} />
      ))}
      <div className={card.card}>
        <Text>Devices do the steps one after another.</Text>
        <div className={card.buttons}>
          <Button onClick={() => add(newInlineStep())} disabledFocusable={isFull}>
            Add a step
          </Button>
          <Button onClick={() => add(newReferenceStep())} disabledFocusable={isFull}>
            Add a reference to another update
          </Button>
        </div>
      </div>
    </section>
  )
}

function StepCard({ step, index }: { step: Step; index: number }) {
  const card = useCardStyles()
  const id = useId()
  const { draft, change, tell } = useMaking()
  const { length } = draft.steps
  const changeStep = (next: Step) =>
    change((current) => ({ ...current, steps: current.steps.map((one) => (one.key === step.key ? next : one)) }))
  const move = (by: -1 | 1) => change((current) => ({ ...current, steps: moved(current.steps, index, by) }))
  return (
    <section className={card.card} aria-labelledby={id}>
      <div className={card.head}>
        <Text as="h2" id={id} weight="semibold" size={400} className={card.title}>
          Step {index + 1}
          {step.type === 'reference' ? ': another update' : ''}
        </Text>
        {length > 1 && (
          <>
            <Button
              size="small"
              onClick={() => move(-1)}
              disabledFocusable={index === 0}
              aria-label={`Move step ${index + 1} up`}
            >
              Up
            </Button>
            <Button
              size="small"
              onClick={() => move(1)}
              disabledFocusable={index === length - 1}
              aria-label={`Move step ${index + 1} down`}
            >
              Down
            </Button>
            <Button
              size="small"
              onClick={() =>
                change((current) => ({ ...current, steps: current.steps.filter(({ key }) => key !== step.key) }))
              }
              aria-label={`Remove step ${index + 1}`}
            >
              Remove
            </Button>
          </>
        )}
      </div>
      <Told by={tell(['steps', index])} />
      {step.type === 'inline' ? (
        <InlineStepFields step={step} index={index} onChange={changeStep} />
      ) : (
        <ReferenceStepFields step={step} index={index} onChange={changeStep} />
      )}
      <Field
        label={`Description of step ${index + 1}`}
        {...tell(['steps', index, 'description'], { isEmpty: step.description === '' })}
      >
        <Input
          className={card.input}
          value={step.description}
          onChange={(_event, { value }) => changeStep({ ...step, description: value })}
        />
      </Field>
    </section>
  )
}
