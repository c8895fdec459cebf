import { Spinner } from '@fluentui/react-spinner'
import { tokens } from '@fluentui/react-theme'
import { makeStyles } from '@griffel/react'
import { Suspense, useState } from 'react'
import { createKeptForm, KeptFormContext } from '../import/kept-form.ts'
import { Header } from './header.tsx'
import { Navigation } from './navigation.tsx'
import { Pages, UnknownInstance } from './pages.tsx'

const useStyles = makeStyles({
  skip: {
    position: 'absolute',
    left: '-9999px',
    ':focus': {
      left: '8px',
      top: '8px',
      zIndex: 1,
      padding: '8px 16px',
      backgroundColor: tokens.colorNeutralBackground1,
      color: tokens.colorNeutralForeground1,
    },
  },
  body: {
    display: 'grid',
    gridTemplateColumns: '220px minmax(0, 1fr)',
    '@media (max-width: 720px)': { gridTemplateColumns: 'minmax(0, 1fr)' },
  },
  main: {
    outlineStyle: 'none',
    padding: '24px',
    maxWidth: '1200px',
    minWidth: '0',
    '@media (max-width: 720px)': { padding: '16px' },
  },
})

/** What surrounds every page of an instance. */
export function Frame({ isKnown }: { isKnown: boolean }) {
  const styles = useStyles()
  const [keptForm] = useState(createKeptForm)
  return (
    <KeptFormContext value={keptForm}>
      <a href="#content" className={styles.skip}>
        Skip to the content
      </a>
      <Header />
      <div className={styles.body}>
        <Navigation />
        <main id="content" tabIndex={-1} className={styles.main}>
          <Suspense fallback={<Spinner label="Loading the page" />}>
            {isKnown ? <Pages /> : <UnknownInstance />}
          </Suspense>
        </main>
      </div>
    </KeptFormContext>
  )
}
