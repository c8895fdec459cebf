import { FluentProvider } from '@fluentui/react-provider'
import { Spinner } from '@fluentui/react-spinner'
import { makeStyles } from '@griffel/react'
import type { Session } from '../session/session.ts'
import { SignInPage } from '../session/sign-in-page.tsx'
import { SessionContext, useSessionState } from '../session/use-session.ts'
import { Instances } from './instances.tsx'
import { useTheme } from './theme.ts'
import { ThemeContext } from './use-theme-choice.ts'

const useStyles = makeStyles({
  root: { minHeight: '100vh' },
  centre: { display: 'grid', placeItems: 'center', minHeight: '60vh' },
})

/** The portal: who is not signed in sees the sign-in page, and nothing of any instance. */
export function App({ session }: { session: Session }) {
  const styles = useStyles()
  const { theme, choice, choose } = useTheme()
  return (
    <FluentProvider theme={theme}>
      <ThemeContext value={{ choice, choose }}>
        <SessionContext value={session}>
          {/* Not the provider itself, whose style dialogs have, too: they would cover the page. */}
          <div className={styles.root}>
            <Door />
          </div>
        </SessionContext>
      </ThemeContext>
    </FluentProvider>
  )
}

function Door() {
  const styles = useStyles()
  const state = useSessionState()
  if (state.kind === 'starting') {
    return (
      <main className={styles.centre}>
        <Spinner label="Signing in" />
      </main>
    )
  }
  return state.kind === 'signed-in' ? <Instances /> : <SignInPage state={state} />
}
