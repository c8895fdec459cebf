import { Button } from '@fluentui/react-button'
import { Link } from '@fluentui/react-link'
import { MessageBar, MessageBarBody } from '@fluentui/react-message-bar'
import { Text } from '@fluentui/react-text'
import { tokens } from '@fluentui/react-theme'
import { makeStyles } from '@griffel/react'
import { useState } from 'react'
import { useLoaded } from '../server/use-loaded.ts'
import { Loading } from '../show/loading.tsx'
import { Page } from '../show/page.tsx'
import { Problem } from '../show/problem.tsx'
import type { SessionState } from './session.ts'
import { askSignInMeans, type SignInMeans } from './sign-in-means.ts'
import { useSession } from './use-session.ts'

const useStyles = makeStyles({
  page: { maxWidth: '560px', margin: '0 auto', padding: '48px 16px', display: 'grid', gap: '16px' },
  part: {
    padding: '20px',
    borderRadius: tokens.borderRadiusLarge,
    border: `1px solid ${tokens.colorNeutralStroke2}`,
    display: 'grid',
    gap: '12px',
    justifyItems: 'start',
  },
  command: {
    fontFamily: tokens.fontFamilyMonospace,
    padding: '8px 12px',
    borderRadius: tokens.borderRadiusMedium,
    backgroundColor: tokens.colorNeutralBackground3,
  },
})

const REASONS = {
  expired: 'Your sign-in has ended, so everything that was shown is gone from this page. Sign in again to go on.',
  left: 'You are signed out. At your issuer you may still be signed in.',
}

/** What whoever is not signed in sees. */
export function SignInPage({ state }: { state: Exclude<SessionState, { kind: 'starting' | 'signed-in' }> }) {
  const styles = useStyles()
  const means = useLoaded(askSignInMeans)
  const reason = state.kind === 'signed-out' && state.why !== 'new' ? REASONS[state.why] : undefined
  return (
    <main className={styles.page}>
      <Page title="Sign in to Aduana">
        <Text>Imports of device updates: declared, inspected, and let in or turned away.</Text>
        {reason !== undefined && (
          <MessageBar role="status" layout="multiline">
            <MessageBarBody>{reason}</MessageBarBody>
          </MessageBar>
        )}
        {state.kind === 'refused' && (
          <Problem
            error={state.error}
            title={state.by === 'link' ? 'This link did not sign you in' : 'The issuer did not sign you in'}
          />
        )}
        <Loading of={means} what="how to sign in">
          {(known) => <Means means={known} />}
        </Loading>
        <Text>
          <Link href="/docs">The description of the API</Link>
        </Text>
      </Page>
    </main>
  )
}

function Means({ means: { oidc, localIssuer } }: { means: SignInMeans }) {
  const styles = useStyles()
  const session = useSession()
  const [problem, setProblem] = useState<unknown>()
  const [isLeaving, setIsLeaving] = useState(false)
  const signIn = async () => {
    setIsLeaving(true)
    setProblem(undefined)
    try {
      await session.signInAtIssuer()
    } catch (error) {
      setProblem(error)
      setIsLeaving(false)
    }
  }
  return (
    <>
      {oidc !== undefined && (
        <div className={styles.part}>
          <Button appearance="primary" onClick={signIn} disabledFocusable={isLeaving}>
            Sign in at {new URL(oidc.issuer).host}
          </Button>
          {problem !== undefined && <Problem error={problem} title={`Cannot reach ${oidc.issuer}`} />}
        </div>
      )}
      {localIssuer && (
        <div className={styles.part}>
          <Text>
            {oidc === undefined ? 'Sign in' : 'Or sign in'} by a link that is good once, for ten minutes. On the machine
            of the server, run this and open what it prints:
          </Text>
          <code className={styles.command}>aduana link</code>
        </div>
      )}
      {oidc === undefined && !localIssuer && (
        <MessageBar intent="warning" layout="multiline">
          <MessageBarBody>
            Nobody can sign in to these pages yet: the operator of this server must name a public client of its issuer
            with <code>--oidc-client-id</code>.
          </MessageBarBody>
        </MessageBar>
      )}
    </>
  )
}
