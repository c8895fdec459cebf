import { typographyStyles } from '@fluentui/react-theme'
import { makeStyles } from '@griffel/react'
import { type ReactNode, useEffect, useRef } from 'react'

const useStyles = makeStyles({
  head: { display: 'flex', flexWrap: 'wrap', gap: '12px', alignItems: 'center', marginBottom: '16px' },
  title: {
    ...typographyStyles.title2,
    margin: '0',
    flexGrow: 1,
    minWidth: '0',
    outlineStyle: 'none',
    overflowWrap: 'anywhere',
  },
})

let isFirst = true

/** A page of the portal: its title is the document's, and has the focus once the visitor has come here from another page. */
export function Page({ title, actions, children }: { title: string; actions?: ReactNode; children: ReactNode }) {
  const styles = useStyles()
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    document.title = `${title} - Aduana`
  }, [title])
  useEffect(() => {
    if (!isFirst) heading.current?.focus()
    isFirst = false
  }, [])
  return (
    <>
      <div className={styles.head}>
        <h1 ref={heading} tabIndex={-1} className={styles.title}>
          {title}
        </h1>
        {actions}
      </div>
      {children}
    </>
  )
}
