import { Checkbox } from '@fluentui/react-checkbox'
import { Field } from '@fluentui/react-field'
import { Input } from '@fluentui/react-input'
import { Text } from '@fluentui/react-text'
import { Textarea } from '@fluentui/react-textarea'
import { useCardStyles } from '../use-card-styles.ts'
import { useMaking } from './make-context.ts'
import { SuggestingInput } from './suggesting-input.tsx'
import { useNames, useProviders } from './use-suggestions.ts'

/** What the update is called. */
export function IdentityFields() {
  const card = useCardStyles()
  const { draft, change, tell } = useMaking()
  const { provider, name, version } = draft.updateId
  const providers = useProviders()
  const names = useNames(provider)
  const changeId = (next: Partial<typeof draft.updateId>) =>
    change((current) => ({ ...current, updateId: { ...current.updateId, ...next } }))
  return (
    <section className={card.card} aria-label="The update">
      <Text as="h2" weight="semibold" size={400} className={card.title}>
        The update
      </Text>
      <div className={card.row}>
        <Field
          label="Provider"
          required
          className={card.grow}
          hint="Who makes it, such as Contoso"
          {...tell(['updateId', 'provider'], { isEmpty: provider === '' })}
        >
          <SuggestingInput
            className={card.input}
            suggestions={providers}
            value={provider}
            onChange={(_event, { value }) => changeId({ provider: value })}
          />
        </Field>
        <Field
          label="Name"
          required
          className={card.grow}
          hint="What it updates, such as Toaster"
          {...tell(['updateId', 'name'], { isEmpty: name === '' })}
        >
          <SuggestingInput
            className={card.input}
            suggestions={names}
            value={name}
            onChange={(_event, { value }) => changeId({ name: value })}
          />
        </Field>
        <Field
          label="Version"
          required
          className={card.grow}
          hint="Such as 1.0 or 2026.11.8"
          {...tell(['updateId', 'version'], { isEmpty: version === '' })}
        >
          <Input
            className={card.input}
            value={version}
            onChange={(_event, { value }) => changeId({ version: value })}
          />
        </Field>
      </div>
      <Field label="Description" {...tell(['description'], { isEmpty: draft.description === '' })}>
        <Textarea
          value={draft.description}
          resize="vertical"
          onChange={(_event, { value }) => change((current) => ({ ...current, description: value }))}
        />
      </Field>
      <Checkbox
        checked={draft.isDeployable}
        onChange={(_event, { checked }) => change((current) => ({ ...current, isDeployable: checked === true }))}
        label="Deployable by itself (not so if another update shall reference it)"
      />
    </section>
  )
}
