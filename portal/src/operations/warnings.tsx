import { MessageBar, MessageBarBody, MessageBarTitle } from '@fluentui/react-message-bar'
import { makeStyles } from '@griffel/react'
import type { OperationError } from '../../../src/client/api-types.ts'
import { countOf } from '../show/format.ts'
import { Findings } from './findings.tsx'

const useStyles = makeStyles({
  bar: { marginBottom: '16px' },
  body: { whiteSpace: 'normal', overflowWrap: 'anywhere', paddingTop: '8px', paddingBottom: '8px' },
})

/** What a check found that stops no import. */
export function Warnings({ warnings }: { warnings: readonly OperationError[] }) {
  const styles = useStyles()
  return (
    <MessageBar intent="warning" layout="multiline" className={styles.bar}>
      <MessageBarBody className={styles.body}>
        <MessageBarTitle>{countOf(warnings.length, 'warning')}</MessageBarTitle>
        <Findings findings={warnings} />
      </MessageBarBody>
    </MessageBar>
  )
}
