import { MessageBar, MessageBarBody, MessageBarTitle } from '@fluentui/react-message-bar'
import { makeStyles } from '@griffel/react'
import type { OperationError, OperationWithProgress } from '../../../../src/client/api-types.ts'

const useStyles = makeStyles({
  body: { whiteSpace: 'normal', overflowWrap: 'anywhere', paddingTop: '8px', paddingBottom: '8px' },
  list: { margin: '4px 0', paddingLeft: '20px' },
})

/** What the server said of an import without doing it. */
export function CheckResult({ operation: { status, error, warnings = [] } }: { operation: OperationWithProgress }) {
  const styles = useStyles()
  const isGood = status === 'Succeeded'
  const found = error === undefined ? [] : (error.details ?? [error])
  return (
    <MessageBar
      intent={isGood ? (warnings.length > 0 ? 'warning' : 'success') : 'error'}
      layout="multiline"
      role={isGood ? 'status' : 'alert'}
    >
      <MessageBarBody className={styles.body}>
        <MessageBarTitle>
          {isGood ? 'Nothing speaks against this import.' : 'The server would refuse this import.'}
        </MessageBarTitle>
        {[...found, ...warnings].length > 0 && (
          <ul className={styles.list}>
            {found.map((one) => (
              <Line key={lineKey(one)} error={one} />
            ))}
            {warnings.map((one) => (
              <Line key={lineKey(one)} error={one} word="Advice: " />
            ))}
          </ul>
        )}
      </MessageBarBody>
    </MessageBar>
  )
}

const lineKey = ({ code, target, message }: OperationError) => `${code} ${target} ${message}`

function Line({ error: { code, target, message }, word = '' }: { error: OperationError; word?: string }) {
  return (
    <li>
      {word}
      {target !== undefined && target !== '' && (
        <>
          <code>{target}</code>{' '}
        </>
      )}
      {message} <code>{code}</code>
    </li>
  )
}
