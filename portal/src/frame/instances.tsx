import { Button } from '@fluentui/react-button'
import { MessageBar, MessageBarBody, MessageBarTitle } from '@fluentui/react-message-bar'
import { makeStyles } from '@griffel/react'
import { useCallback, useMemo } from 'react'
import { Redirect, Route, Router, Switch } from 'wouter'
import { createApiClient } from '../../../src/client/api-client.ts'
import { readApiError } from '../../../src/client/api-error.ts'
import type { Instances as InstancesDocument } from '../../../src/client/api-types.ts'
import { useLoaded } from '../server/use-loaded.ts'
import { type Server, ServerContext } from '../server/use-server.ts'
import { useSession } from '../session/use-session.ts'
import { Loading } from '../show/loading.tsx'
import { Page } from '../show/page.tsx'
import { Frame } from './frame.tsx'
import { guardedNavigation } from './leave-guard.ts'
import { rememberInstance, startInstance } from './start-instance.ts'

const useStyles = makeStyles({ alone: { maxWidth: '720px', margin: '0 auto', padding: '48px 16px' } })

/** Finds out which instances the visitor may see, and shows the one that the address names. */
export function Instances() {
  const styles = useStyles()
  const session = useSession()
  const load = useCallback(async () => {
    const response = await session.fetch('/aduana/v1/instances')
    if (!response.ok) throw await readApiError(response)
    return (await response.json()) as InstancesDocument
  }, [session])
  const instances = useLoaded(load)
  if (instances.loaded.kind !== 'ready') {
    return (
      <main className={styles.alone}>
        <Loading of={instances} what="your instances">
          {() => null}
        </Loading>
      </main>
    )
  }
  return <Chosen instances={instances.loaded.value} />
}

function Chosen({ instances }: { instances: InstancesDocument }) {
  const start = startInstance(instances)
  if (start === undefined) return <NoInstance instances={instances} />
  return (
    <Switch>
      <Route path="/instances/:instance/*?">
        {({ instance }) => <InstanceFrame key={instance} instance={instance} instances={instances} />}
      </Route>
      <Route>
        <Redirect to={`/instances/${start}/updates`} replace />
      </Route>
    </Switch>
  )
}

function InstanceFrame({ instance, instances }: { instance: string; instances: InstancesDocument }) {
  const session = useSession()
  const server = useMemo((): Server => {
    const permissions = instances.value.find((known) => known.instance === instance)?.permissions ?? []
    const client = createApiClient({
      baseUrl: location.origin,
      // The session puts the token of the moment in its place.
      token: '',
      instance,
      dialect: '2022',
      fetch: session.fetch,
    })
    return { client, instance, instances, may: (permission) => permissions.includes(permission) }
  }, [session, instance, instances])
  const isKnown = instances.value.some((known) => known.instance === instance)
  if (isKnown) rememberInstance(instance)
  return (
    <ServerContext value={server}>
      <Router base={`/instances/${instance}`} aroundNav={guardedNavigation}>
        <Frame isKnown={isKnown} />
      </Router>
    </ServerContext>
  )
}

function NoInstance({ instances: { subject, issuer } }: { instances: InstancesDocument }) {
  const styles = useStyles()
  const session = useSession()
  return (
    <main className={styles.alone}>
      <Page title="No instance for you yet">
        <MessageBar intent="warning" layout="multiline">
          <MessageBarBody>
            <MessageBarTitle>You are signed in, but have no role in any instance.</MessageBarTitle>
            <p>
              Ask the operator of this server for a role, and name yourself: subject <code>{subject}</code>, issuer{' '}
              <code>{issuer}</code>.
            </p>
          </MessageBarBody>
        </MessageBar>
        <p>
          <Button onClick={session.signOut}>Sign out</Button>
        </p>
      </Page>
    </main>
  )
}
