import { MessageBar, MessageBarBody } from '@fluentui/react-message-bar'
import { lazy } from 'react'
import { Redirect, Route, Switch } from 'wouter'
import { useServer } from '../server/use-server.ts'
import { Page } from '../show/page.tsx'
import { PageLink } from '../show/page-link.tsx'

const UpdatesPage = lazy(() => import('../updates/updates-page.tsx'))
const ImportPage = lazy(() => import('../import/import-page.tsx'))

/** Which address shows which page. Each is loaded when it is first opened. */
export function Pages() {
  return (
    <Switch>
      <Route path="/">
        <Redirect to="/updates" replace />
      </Route>
      <Route path="/updates" component={UpdatesPage} />
      <Route path="/import" component={ImportPage} />
      <Route>
        <Page title="There is no such page">
          <p>
            Perhaps the address was cut off. <PageLink to="/updates">To the updates</PageLink>
          </p>
        </Page>
      </Route>
    </Switch>
  )
}

export function UnknownInstance() {
  const { instance } = useServer()
  return (
    <Page title={`Instance ${instance}`}>
      <MessageBar intent="warning" layout="multiline">
        <MessageBarBody>There is no such instance, or you have no role in it. Choose another one above.</MessageBarBody>
      </MessageBar>
    </Page>
  )
}
