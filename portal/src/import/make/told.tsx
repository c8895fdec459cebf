import { Text } from '@fluentui/react-text'
import { tokens } from '@fluentui/react-theme'
import { makeStyles } from '@griffel/react'
import type { Making } from './make-context.ts'

const useStyles = makeStyles({
  error: { color: tokens.colorPaletteRedForeground1 },
  warning: { color: tokens.colorStatusWarningForeground3 },
})

/** What is wrong with something that is no single field. */
export function Told({ by: { validationMessage, validationState } }: { by: ReturnType<Making['tell']> }) {
  const styles = useStyles()
  if (validationMessage === undefined) return null
  if (validationState === 'warning')
    return (
      <Text block className={styles.warning}>
        {validationMessage}
      </Text>
    )
  return (
    <Text block className={styles.error} tabIndex={-1} data-problem>
      {validationMessage}
    </Text>
  )
}
