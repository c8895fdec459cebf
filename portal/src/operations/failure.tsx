import { MessageBar, MessageBarBody, MessageBarTitle } from '@fluentui/react-message-bar'
import { makeStyles } from '@griffel/react'
import type { InnerError, OperationError } from '../../../src/client/api-types.ts'
import { remedyOf } from '../show/explain-error.ts'
import { Prose } from '../show/prose.tsx'
import { Findings } from './findings.tsx'

const useStyles = makeStyles({
  bar: { marginBottom: '16px' },
  body: { whiteSpace: 'normal', overflowWrap: 'anywhere', paddingTop: '8px', paddingBottom: '8px' },
  line: { margin: '4px 0' },
})

/** Why an operation failed, from what happened in the end up to what was asked for, and what to do about each. */
export function Failure({ error }: { error: OperationError }) {
  const styles = useStyles()
  const chain = causesOf(error)
  const root: InnerError = chain.at(-1) ?? error
  const { details = [] } = error
  const isListed = details.length > 0 && error.code !== 'UpdateInUse'
  return (
    <MessageBar intent="error" layout="multiline" className={styles.bar}>
      <MessageBarBody className={styles.body}>
        <MessageBarTitle>{details.length > 0 ? error.message : (root.message ?? error.message)}</MessageBarTitle>
        {error.target !== undefined && (
          <p className={styles.line}>
            About: <code>{error.target}</code>
          </p>
        )}
        {root.errorDetail !== undefined && (
          <p className={styles.line}>
            The answer from outside: <code>{root.errorDetail}</code>
          </p>
        )}
        {details.length > 0 && <Findings findings={details} />}
        <p className={styles.line}>
          <strong>What to do:</strong>{' '}
          {isListed ? 'Mend what is listed here, and import again.' : <Remedy codes={[root.code, error.code]} />}
        </p>
        <p className={styles.line}>
          Error code: <code>{[error, ...chain].map(({ code }) => code).join(' › ')}</code>
        </p>
      </MessageBarBody>
    </MessageBar>
  )
}

/** Of the first code that has one. */
function Remedy({ codes }: { codes: readonly string[] }) {
  const [remedy] = codes.flatMap((code) => remedyOf(code) ?? [])
  return remedy === undefined ? null : <Prose text={remedy} />
}

function causesOf(error: OperationError): InnerError[] {
  const causes: InnerError[] = []
  for (let inner = error.innererror; inner !== undefined; inner = inner.innerError) causes.push(inner)
  return causes
}
