import { MessageBar, MessageBarBody, MessageBarTitle } from '@fluentui/react-message-bar'
import { makeStyles } from '@griffel/react'
import type { OperationError } from '../../../../src/client/api-types.ts'
import type { AppError } from '../../../../src/domain/errors.ts'

const useStyles = makeStyles({
  body: { whiteSpace: 'normal', overflowWrap: 'anywhere', paddingTop: '8px', paddingBottom: '8px' },
  list: { margin: '4px 0', paddingLeft: '20px' },
})

/** What the reader of manifests and the server said of one, each with its place. */
export function ManifestFindings({
  errors,
  warnings,
  found,
}: {
  errors: readonly AppError[]
  warnings: readonly AppError[]
  /** What the server found. */
  found: readonly OperationError[]
}) {
  return (
    <>
      <Findings title="The manifest has mistakes" findings={errors} isError />
      <Findings title="The server would refuse this" findings={found} isError />
      <Findings title="Advice, which stops nothing" findings={warnings} />
    </>
  )
}

function Findings({
  title,
  findings,
  isError = false,
}: {
  title: string
  findings: readonly { code: string; message: string; target?: string | undefined }[]
  isError?: boolean
}) {
  const styles = useStyles()
  if (findings.length === 0) return null
  return (
    <MessageBar
      intent={isError ? 'error' : 'warning'}
      layout="multiline"
      tabIndex={-1}
      {...(isError && { 'data-problem': true })}
    >
      <MessageBarBody className={styles.body}>
        <MessageBarTitle>{title}</MessageBarTitle>
        <ul className={styles.list}>
          {findings.map(({ code, message, target }) => (
            <li key={`${target} ${code} ${message}`}>
              {target !== undefined && target !== '' && (
                <>
                  <code>{target}</code>{' '}
                </>
              )}
              {message} {isError && <code>{code}</code>}
            </li>
          ))}
        </ul>
      </MessageBarBody>
    </MessageBar>
  )
}
