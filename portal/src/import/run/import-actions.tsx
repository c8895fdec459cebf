import { Button } from '@fluentui/react-button'
import { MessageBar, MessageBarActions, MessageBarBody, MessageBarTitle } from '@fluentui/react-message-bar'
import { Spinner } from '@fluentui/react-spinner'
import { makeStyles } from '@griffel/react'
import { type RefObject, useEffect, useState } from 'react'
import { Problem } from '../../show/problem.tsx'
import { CheckResult } from './check-result.tsx'
import type { Readiness } from './readiness.ts'
import { UploadList } from './upload-list.tsx'
import type { Purpose, Run } from './use-run.ts'

const useStyles = makeStyles({
  part: { marginTop: '24px', display: 'grid', gap: '12px' },
  buttons: { display: 'flex', flexWrap: 'wrap', gap: '12px', alignItems: 'center' },
  body: { whiteSpace: 'normal', overflowWrap: 'anywhere', paddingTop: '8px', paddingBottom: '8px' },
  list: { margin: '4px 0', paddingLeft: '20px' },
})

/** The end of every way to import: the buttons, what is still to be mended, and how far it is. */
export function ImportActions({
  readiness: { plan, problems, waiting },
  run,
  form,
  isAttempted,
  onAttempt,
}: {
  readiness: Readiness
  run: Run
  /** Where the first mistake gets the focus. */
  form: RefObject<HTMLElement | null>
  /** Whether mistakes are told everywhere, since the visitor believes to be done. */
  isAttempted: boolean
  onAttempt: () => void
}) {
  const styles = useStyles()
  const [attempts, setAttempts] = useState(0)
  const { state } = run
  const isBusy = state.kind === 'uploading' || state.kind === 'asking'

  const begin = (purpose: Purpose) => {
    if (waiting !== undefined) return
    if (plan !== undefined) return run.start(plan, purpose)
    onAttempt()
    setAttempts(attempts + 1)
  }
  useEffect(() => {
    if (attempts === 0) return
    const first = form.current?.querySelector<HTMLElement>('[aria-invalid="true"], [data-problem]')
    first?.focus()
  }, [attempts, form])

  return (
    <section className={styles.part} aria-label="Import">
      {isAttempted && problems.length > 0 && (
        <MessageBar intent="error" layout="multiline" role="alert">
          <MessageBarBody className={styles.body}>
            <MessageBarTitle>Before this can be imported</MessageBarTitle>
            <ul className={styles.list}>
              {problems.map((problem) => (
                <li key={problem}>{problem}</li>
              ))}
            </ul>
          </MessageBarBody>
        </MessageBar>
      )}
      {state.kind === 'failed' && (
        <>
          <Problem
            error={state.error}
            title={state.purpose === 'import' ? 'The import has not begun' : 'The check did not end'}
          />
          <MessageBar layout="multiline">
            <MessageBarBody className={styles.body}>
              What was uploaded is kept on the server for some time: try again, and it goes on from there.
            </MessageBarBody>
            <MessageBarActions>
              <Button onClick={run.cancel}>Remove what was uploaded</Button>
            </MessageBarActions>
          </MessageBar>
        </>
      )}
      {state.kind === 'checked' && <CheckResult operation={state.operation} />}
      {state.kind === 'uploading' && <UploadList progress={state.progress} />}
      {state.kind === 'asking' && (
        <Spinner label={state.purpose === 'import' ? 'Asking for the import' : 'The server checks it'} />
      )}
      <div className={styles.buttons}>
        {isBusy ? (
          <Button onClick={run.cancel}>Cancel and remove what was uploaded</Button>
        ) : (
          <>
            <Button appearance="primary" onClick={() => begin('import')} disabledFocusable={waiting !== undefined}>
              {state.kind === 'failed' && state.purpose === 'import' ? 'Try again' : 'Import'}
            </Button>
            <Button onClick={() => begin('check')} disabledFocusable={waiting !== undefined}>
              Check first
            </Button>
          </>
        )}
        <span role="status">{isBusy ? '' : waiting}</span>
      </div>
    </section>
  )
}
