import { Accordion, AccordionHeader, AccordionItem, AccordionPanel } from '@fluentui/react-accordion'
import { Checkbox } from '@fluentui/react-checkbox'
import { Field } from '@fluentui/react-field'
import { Input } from '@fluentui/react-input'
import { Select } from '@fluentui/react-select'
import { Text } from '@fluentui/react-text'
import { useState } from 'react'
import { KNOWN_HANDLERS } from '../../../../src/domain/manifest/known-handlers.ts'
import { useCardStyles } from '../use-card-styles.ts'
import { type InlineStep, mainFiles } from './draft.ts'
import { HandlerPropertyField } from './handler-property-field.tsx'
import { useMaking } from './make-context.ts'
import { PropertyRows } from './property-rows.tsx'
import { Told } from './told.tsx'

const OTHER = 'other'

/** A step that a handler of the device does with files. */
export function InlineStepFields({
  step,
  index,
  onChange,
}: {
  step: InlineStep
  index: number
  onChange: (step: InlineStep) => void
}) {
  const card = useCardStyles()
  const { draft, files, tell } = useMaking()
  const [isOther, setIsOther] = useState(!KNOWN_HANDLERS.has(step.handler))
  const handler = isOther ? undefined : KNOWN_HANDLERS.get(step.handler)
  const told = tell(['steps', index, 'handler'], { isEmpty: step.handler === '' })
  const choose = (name: string) => {
    setIsOther(name === OTHER)
    onChange({ ...step, handler: name === OTHER ? '' : name })
  }
  return (
    <>
      <Field
        label={`Handler of step ${index + 1}`}
        required
        {...(handler && { hint: `${handler.summary} It takes ${handler.files.words}.` })}
        {...(!isOther && told)}
      >
        <Select value={isOther ? OTHER : step.handler} onChange={(_event, { value }) => choose(value)}>
          {[...KNOWN_HANDLERS.keys()].map((name) => (
            <option key={name}>{name}</option>
          ))}
          <option value={OTHER}>Another handler</option>
        </Select>
      </Field>
      {isOther && (
        <Field label={`Name of the handler of step ${index + 1}`} required hint="Such as contoso/toaster:1" {...told}>
          <Input
            className={card.input}
            value={step.handler}
            onChange={(_event, { value }) => onChange({ ...step, handler: value })}
          />
        </Field>
      )}
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset has a border and a layout of its own. */}
      <div role="group" aria-label={`Files of step ${index + 1}`} className={card.part}>
        <Text weight="semibold">Files of this step</Text>
        {files.length === 0 && <Text>Drop or choose files above.</Text>}
        {mainFiles(draft, files).map(({ key, name }) => (
          <Checkbox
            key={key}
            label={name}
            checked={step.files.includes(key)}
            onChange={(_event, { checked }) =>
              onChange({ ...step, files: checked ? [...step.files, key] : step.files.filter((one) => one !== key) })
            }
          />
        ))}
        <Told by={tell(['steps', index, 'files'], { isEmpty: step.files.length === 0, alsoInside: true })} />
      </div>
      {(handler?.properties ?? []).map((property) => (
        <HandlerPropertyField
          key={property.name}
          property={property}
          step={step}
          index={index}
          onChange={(value) => onChange({ ...step, known: { ...step.known, [property.name]: value } })}
        />
      ))}
      <Told by={tell(['steps', index, 'handlerProperties'])} />
      {isOther ? (
        <PropertyRows
          rows={step.others}
          place={['steps', index, 'handlerProperties']}
          noun="Property"
          onChange={(others) => onChange({ ...step, others })}
        />
      ) : (
        <Accordion collapsible>
          <AccordionItem value="others">
            <AccordionHeader size="small">Other properties</AccordionHeader>
            <AccordionPanel>
              <PropertyRows
                rows={step.others}
                place={['steps', index, 'handlerProperties']}
                noun="Property"
                onChange={(others) => onChange({ ...step, others })}
              />
            </AccordionPanel>
          </AccordionItem>
        </Accordion>
      )}
    </>
  )
}
