import { makeStyles } from '@griffel/react'
import { formatUpdateId, type UpdateId } from '../../../src/domain/update-id.ts'
import { Fact, Facts } from '../show/data-list.tsx'
import { PageLink } from '../show/page-link.tsx'
import { updatePath } from './update-path.ts'

const useStyles = makeStyles({ list: { margin: '0', padding: '0', listStyleType: 'none' } })

/** Which updates this one belongs to, and which belong to it. */
export function References({ parents, referenced }: { parents: readonly UpdateId[]; referenced: readonly UpdateId[] }) {
  return (
    <Facts>
      {parents.length > 0 && (
        <Fact title="Referenced by">
          <UpdateLinks updates={parents} />
        </Fact>
      )}
      {referenced.length > 0 && (
        <Fact title="References">
          <UpdateLinks updates={referenced} />
        </Fact>
      )}
    </Facts>
  )
}

export function UpdateLinks({ updates }: { updates: readonly UpdateId[] }) {
  const styles = useStyles()
  return (
    <ul className={styles.list}>
      {updates.map((updateId) => (
        <li key={formatUpdateId(updateId)}>
          <PageLink to={updatePath(updateId)}>{formatUpdateId(updateId)}</PageLink>
        </li>
      ))}
    </ul>
  )
}
