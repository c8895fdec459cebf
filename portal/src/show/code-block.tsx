import { tokens } from '@fluentui/react-theme'
import { makeStyles, mergeClasses } from '@griffel/react'

const useStyles = makeStyles({
  block: {
    padding: '12px',
    maxHeight: '480px',
    overflow: 'auto',
    borderRadius: tokens.borderRadiusMedium,
    border: `1px solid ${tokens.colorNeutralStroke2}`,
    backgroundColor: tokens.colorNeutralBackground2,
  },
  tall: { maxHeight: '70vh' },
  text: {
    margin: '0',
    whiteSpace: 'pre-wrap',
    overflowWrap: 'anywhere',
    fontFamily: tokens.fontFamilyMonospace,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase300,
  },
})

/** Text of somebody else, as it is: never anything but text. */
export function CodeBlock({ text, label, isTall = false }: { text: string; label: string; isTall?: boolean }) {
  const styles = useStyles()
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard.
    <section className={mergeClasses(styles.block, isTall && styles.tall)} tabIndex={0} aria-label={label}>
      <pre className={styles.text}>{text}</pre>
    </section>
  )
}
