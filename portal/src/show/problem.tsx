import { Button } from '@fluentui/react-button'
import { MessageBar, MessageBarActions, MessageBarBody, MessageBarTitle } from '@fluentui/react-message-bar'
import { makeStyles } from '@griffel/react'
import { explainError } from './explain-error.ts'
import { Prose } from './prose.tsx'

const useStyles = makeStyles({
  bar: { marginBottom: '12px' },
  body: { whiteSpace: 'normal', overflowWrap: 'anywhere', paddingTop: '8px', paddingBottom: '8px' },
  line: { marginTop: '4px', marginBottom: '4px' },
  list: { marginTop: '4px', marginBottom: '4px', paddingLeft: '20px' },
})

/** An error with its code, what it is about, and what to do. Screen readers tell it at once. */
export function Problem({ error, title, onRetry }: { error: unknown; title: string; onRetry?: () => void }) {
  const styles = useStyles()
  const { code, message, target, remedy, details } = explainError(error)
  return (
    <MessageBar intent="error" layout="multiline" role="alert" className={styles.bar}>
      <MessageBarBody className={styles.body}>
        <MessageBarTitle>{title}</MessageBarTitle>
        <p className={styles.line}>{message}</p>
        {details.length > 0 && (
          <ul className={styles.list}>
            {details.map((detail) => (
              <li key={`${detail.target} ${detail.code} ${detail.message}`}>
                {detail.target !== undefined && <code>{detail.target} </code>}
                {detail.message} <code>{detail.code}</code>
              </li>
            ))}
          </ul>
        )}
        {remedy !== undefined && (
          <p className={styles.line}>
            <Prose text={remedy} />
          </p>
        )}
        {code !== undefined && (
          <p className={styles.line}>
            Error code: <code>{code}</code>
            {target !== undefined && (
              <>
                {' '}
                about <code>{target}</code>
              </>
            )}
          </p>
        )}
      </MessageBarBody>
      {onRetry !== undefined && (
        <MessageBarActions>
          <Button onClick={onRetry}>Try again</Button>
        </MessageBarActions>
      )}
    </MessageBar>
  )
}
