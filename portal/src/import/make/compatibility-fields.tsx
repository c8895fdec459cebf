import { Button } from '@fluentui/react-button'
import { Text } from '@fluentui/react-text'
import { LIMITS } from '../../../../src/domain/limits.ts'
import { useCardStyles } from '../use-card-styles.ts'
import { newDeviceKind, type PropertyRow } from './draft.ts'
import { useMaking } from './make-context.ts'
import { PropertyRows } from './property-rows.tsx'
import { Told } from './told.tsx'

/** Which devices the update is for. */
export function CompatibilityFields() {
  const card = useCardStyles()
  const { draft, change, tell } = useMaking()
  const { compatibility } = draft
  const changeRows = (key: string, rows: readonly PropertyRow[]) =>
    change((current) => ({
      ...current,
      compatibility: current.compatibility.map((kind) => (kind.key === key ? { key, rows } : kind)),
    }))
  return (
    <section className={card.card} aria-label="Devices">
      <Text as="h2" weight="semibold" size={400} className={card.title}>
        Devices that it is for
      </Text>
      <Text>What these devices say of themselves. A device must have all properties of one group.</Text>
      {compatibility.map(({ key, rows }, index) => (
        // biome-ignore lint/a11y/useSemanticElements: a fieldset has a border and a layout of its own.
        <div key={key} role="group" aria-label={`Devices ${index + 1}`} className={card.part}>
          <Told by={tell(['compatibility', index], { isEmpty: rows.every(({ value }) => value === '') })} />
          <PropertyRows
            rows={rows}
            place={['compatibility', index]}
            noun="Property"
            onChange={(next) => changeRows(key, next)}
          />
          {compatibility.length > 1 && (
            <Button
              size="small"
              onClick={() =>
                change((current) => ({
                  ...current,
                  compatibility: current.compatibility.filter((kind) => kind.key !== key),
                }))
              }
            >
              Remove devices {index + 1}
            </Button>
          )}
        </div>
      ))}
      {compatibility.length < LIMITS.compatibilityMax && (
        <div className={card.buttons}>
          <Button
            onClick={() =>
              change((current) => ({ ...current, compatibility: [...current.compatibility, newDeviceKind()] }))
            }
          >
            Add other devices
          </Button>
        </div>
      )}
    </section>
  )
}
