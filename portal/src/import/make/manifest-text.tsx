import { Button } from '@fluentui/react-button'
import { Text } from '@fluentui/react-text'
import { useState } from 'react'
import { CodeBlock } from '../../show/code-block.tsx'
import { useCardStyles } from '../use-card-styles.ts'

/** The manifest as it stands, to read, copy and keep. */
export function ManifestText({ text, name }: { text: string; name: string }) {
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
      <CodeBlock text={text} label="Text of the import manifest" isTall />
    </section>
  )
}
