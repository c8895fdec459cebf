import { makeStyles } from '@griffel/react'
import type { OperationError } from '../../../src/client/api-types.ts'

const useStyles = makeStyles({
  list: { margin: '8px 0', paddingLeft: '20px', display: 'grid', gap: '8px' },
})

/** What was found, each with the place that it is about. */
export function Findings({ findings }: { findings: readonly OperationError[] }) {
  const styles = useStyles()
  return (
    <ul className={styles.list}>
      {findings.map(({ code, message, target }) => (
        <li key={`${target} ${code} ${message}`}>
          {target !== undefined && target !== '' && (
            <>
              <code>{target}</code>:{' '}
            </>
          )}
          {message}
        </li>
      ))}
    </ul>
  )
}
