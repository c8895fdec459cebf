import { Subtitle1 } from '@fluentui/react-text'
import { makeStyles } from '@griffel/react'
import { type ReactNode, useId } from 'react'

const useStyles = makeStyles({
  section: { marginTop: '32px' },
  title: { display: 'block', marginBottom: '12px' },
})

/** A part of a page, under a heading of its own. */
export function Section({ title, children }: { title: string; children: ReactNode }) {
  const styles = useStyles()
  const id = useId()
  return (
    <section className={styles.section} aria-labelledby={id}>
      <Subtitle1 as="h2" id={id} className={styles.title}>
        {title}
      </Subtitle1>
      {children}
    </section>
  )
}
