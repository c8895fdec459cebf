import { Button } from '@fluentui/react-button'
import { Text } from '@fluentui/react-text'
import { tokens } from '@fluentui/react-theme'
import { makeStyles } from '@griffel/react'
import { useState } from 'react'
import { useCardStyles } from '../use-card-styles.ts'

const useStyles = makeStyles({
  scroll: {
    padding: '12px',
    maxHeight: '70vh',
    overflow: 'auto',
    borderRadius: tokens.borderRadiusMedium,
    backgroundColor: tokens.colorNeutralBackground2,
  },
  text: {
    margin: '0',
    whiteSpace: 'pre-wrap',
    overflowWrap: 'anywhere',
    fontFamily: tokens.fontFamilyMonospace,
    fontSize: tokens.fontSizeBase200,
  },
})

/** The manifest as it stands, to read, copy and keep. */
export function ManifestText({ text, name }: { text: string; name: string }) {
  const styles = useStyles()
  const card = useCardStyles()
  const [copied, setCopied] = useState('')
  const download = () => {
    const url = URL.createObjectURL(new Blob([text], { type: 'application/json' }))
    Object.assign(document.createElement('a'), { href: url, download: name }).click()
    URL.revokeObjectURL(url)
  }
  return (
    <section className={card.card} aria-label="Import manifest">
      <div className={card.head}>
        <Text as="h2" weight="semibold" size={400} className={card.title}>
          Import manifest
        </Text>
        <span role="status">{copied === text ? 'Copied' : ''}</span>
        {/* Browsers have no clipboard where the page came without TLS from another machine. */}
        {navigator.clipboard !== undefined && (
          <Button size="small" onClick={() => void navigator.clipboard.writeText(text).then(() => setCopied(text))}>
            Copy
          </Button>
        )}
        <Button size="small" onClick={download}>
          Download
        </Button>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard. */}
      <section className={styles.scroll} tabIndex={0} aria-label="Text of the import manifest">
        <pre className={styles.text}>{text}</pre>
      </section>
    </section>
  )
}
