import { Table, TableBody, TableCell, TableHeader, TableHeaderCell, TableRow } from '@fluentui/react-table'
import { tokens } from '@fluentui/react-theme'
import { makeStyles, mergeClasses } from '@griffel/react'
import type { ReactNode } from 'react'
import { useIsNarrow } from './use-is-narrow.ts'

export interface Column<T> {
  title: string
  /** The part of the width that it takes, 1 unless told. */
  width?: number
  show: (item: T) => ReactNode
}

const useStyles = makeStyles({
  cell: {
    overflowWrap: 'anywhere',
    whiteSpace: 'normal',
    verticalAlign: 'top',
    paddingTop: '8px',
    paddingBottom: '8px',
    height: 'auto',
  },
  head: { fontWeight: tokens.fontWeightSemibold, overflowWrap: 'normal' },
  cards: { listStyleType: 'none', margin: '0', padding: '0', display: 'grid', gap: '12px' },
  card: {
    padding: '12px',
    borderRadius: tokens.borderRadiusMedium,
    border: `1px solid ${tokens.colorNeutralStroke2}`,
    backgroundColor: tokens.colorNeutralBackground1,
  },
  facts: { margin: '0', display: 'grid', gridTemplateColumns: 'minmax(90px, 1fr) 2fr', gap: '4px 12px' },
  term: { color: tokens.colorNeutralForeground3 },
  fact: { margin: '0', overflowWrap: 'anywhere' },
})

/** A table; on a narrow screen a list of cards with the same facts. */
export function DataList<T>({
  label,
  columns,
  items,
  keyOf,
}: {
  /** What the list is called to those who do not see the page. */
  label: string
  columns: readonly Column<T>[]
  items: readonly T[]
  keyOf: (item: T) => string
}) {
  const styles = useStyles()
  const isNarrow = useIsNarrow()
  if (isNarrow) {
    return (
      <ul aria-label={label} className={styles.cards}>
        {items.map((item) => (
          <li key={keyOf(item)} className={styles.card}>
            <dl className={styles.facts}>
              {columns.map(({ title, show }) => (
                <Fact key={title} title={title}>
                  {show(item)}
                </Fact>
              ))}
            </dl>
          </li>
        ))}
      </ul>
    )
  }
  const total = columns.reduce((sum, { width = 1 }) => sum + width, 0)
  return (
    <Table aria-label={label}>
      <TableHeader>
        <TableRow>
          {columns.map(({ title, width = 1 }) => (
            <TableHeaderCell key={title} style={{ width: `${(100 * width) / total}%` }} className={styles.head}>
              {title}
            </TableHeaderCell>
          ))}
        </TableRow>
      </TableHeader>
      <TableBody>
        {items.map((item) => (
          <TableRow key={keyOf(item)}>
            {columns.map(({ title, show }) => (
              <TableCell key={title} className={styles.cell}>
                {show(item)}
              </TableCell>
            ))}
          </TableRow>
        ))}
      </TableBody>
    </Table>
  )
}

const useFactsStyles = makeStyles({
  facts: {
    margin: '0',
    display: 'grid',
    gridTemplateColumns: 'minmax(140px, 220px) 1fr',
    gap: '8px 16px',
    '@media (max-width: 480px)': { gridTemplateColumns: '1fr', gap: '2px' },
  },
})

/** Facts about one thing, by their names. */
export function Facts({ children, className }: { children: ReactNode; className?: string }) {
  const styles = useFactsStyles()
  return <dl className={mergeClasses(styles.facts, className)}>{children}</dl>
}

export function Fact({ title, children }: { title: string; children: ReactNode }) {
  const styles = useStyles()
  return (
    <>
      <dt className={styles.term}>{title}</dt>
      <dd className={styles.fact}>{children}</dd>
    </>
  )
}
