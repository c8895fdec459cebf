import { makeStyles } from '@griffel/react'
import { PageLink } from './page-link.tsx'

const useStyles = makeStyles({
  list: { listStyleType: 'none', margin: '0 0 4px', padding: '0', display: 'flex', flexWrap: 'wrap', gap: '0 8px' },
  here: { minWidth: '0', overflowWrap: 'anywhere' },
})

/** Where a page is: the list that it belongs to, and its own name. */
export function Trail({ to, title, here }: { to: string; title: string; here: string }) {
  const styles = useStyles()
  return (
    <nav aria-label="Where this page is">
      <ol className={styles.list}>
        <li>
          <PageLink to={to}>{title}</PageLink>
        </li>
        <li aria-hidden="true">›</li>
        <li aria-current="page" className={styles.here}>
          {here}
        </li>
      </ol>
    </nav>
  )
}
