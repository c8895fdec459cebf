import { tokens } from '@fluentui/react-theme'
import { makeStyles } from '@griffel/react'

/** A part of a form, with a border around it. */
export const useCardStyles = makeStyles({
  card: {
    display: 'grid',
    gap: '12px',
    marginTop: '16px',
    padding: '16px',
    borderRadius: tokens.borderRadiusMedium,
    border: `1px solid ${tokens.colorNeutralStroke2}`,
    minWidth: '0',
    '@media (max-width: 720px)': { padding: '12px' },
  },
  part: { display: 'grid', gap: '8px', minWidth: '0' },
  head: { display: 'flex', flexWrap: 'wrap', gap: '8px', alignItems: 'center' },
  title: { flexGrow: 1, margin: '0', minWidth: '0', overflowWrap: 'anywhere' },
  row: { display: 'flex', flexWrap: 'wrap', gap: '8px', alignItems: 'start' },
  /** A button in a row of fields, below the height of their labels. */
  beside: { marginTop: '26px', '@media (max-width: 480px)': { marginTop: '0' } },
  grow: { flexGrow: 1, flexBasis: '140px', minWidth: '0' },
  /** Fields have a width of their own otherwise, which a narrow screen lacks. */
  input: { minWidth: '0', width: '100%' },
  buttons: { display: 'flex', flexWrap: 'wrap', gap: '8px' },
})
