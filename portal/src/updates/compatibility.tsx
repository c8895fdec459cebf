import { makeStyles } from '@griffel/react'

const useStyles = makeStyles({ list: { margin: '0', paddingLeft: '20px', display: 'grid', gap: '4px' } })

/** The device property sets that an update is for: a device needs all of one set. */
export function Compatibility({ sets }: { sets: readonly Readonly<Record<string, string>>[] }) {
  const styles = useStyles()
  return (
    <ul className={styles.list}>
      {sets.map((set) => (
        <li key={JSON.stringify(set)}>
          {Object.entries(set).map(([name, value], index) => (
            <span key={name}>
              {index > 0 && ', '}
              {name}: <strong>{String(value)}</strong>
            </span>
          ))}
        </li>
      ))}
    </ul>
  )
}
