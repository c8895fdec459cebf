import { tokens } from '@fluentui/react-theme'
import { makeStyles } from '@griffel/react'
import type { Step } from '../../../src/client/api-types.ts'
import { formatUpdateId } from '../../../src/domain/update-id.ts'
import { CodeBlock } from '../show/code-block.tsx'
import { Fact, Facts } from '../show/data-list.tsx'
import { PageLink } from '../show/page-link.tsx'
import { updatePath } from './update-path.ts'

const useStyles = makeStyles({
  list: { margin: '0', paddingLeft: '24px', display: 'grid', gap: '16px' },
  item: { paddingLeft: '8px', '::marker': { fontWeight: tokens.fontWeightSemibold } },
})

/** What a device does, in order. */
export function Steps({ steps }: { steps: readonly Step[] }) {
  const styles = useStyles()
  return (
    <ol className={styles.list}>
      {steps.map((step, index) => (
        // The steps of an update never change.
        // biome-ignore lint/suspicious/noArrayIndexKey: two steps may be the same to the letter.
        <li key={index} className={styles.item}>
          <OneStep step={step} number={index + 1} />
        </li>
      ))}
    </ol>
  )
}

function OneStep({
  step: { updateId, handler, description, files = [], handlerProperties },
  number,
}: {
  step: Step
  number: number
}) {
  return (
    <Facts>
      {updateId === undefined ? (
        <Fact title="Handler">{handler}</Fact>
      ) : (
        <Fact title="Installs the update">
          <PageLink to={updatePath(updateId)}>{formatUpdateId(updateId)}</PageLink>
        </Fact>
      )}
      {description !== undefined && <Fact title="Description">{description}</Fact>}
      {files.length > 0 && <Fact title="Files">{files.join(', ')}</Fact>}
      {handlerProperties !== undefined && (
        <Fact title="Handler properties">
          <CodeBlock
            text={JSON.stringify(handlerProperties, undefined, 2)}
            label={`Handler properties of step ${number}`}
          />
        </Fact>
      )}
    </Facts>
  )
}
