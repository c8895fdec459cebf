import { MessageBar, MessageBarBody } from '@fluentui/react-message-bar'
import { lazy } from 'react'
import { Redirect, Route, Switch } from 'wouter'
import { useServer } from '../server/use-server.ts'
import { Page } from '../show/page.tsx'
import { PageLink } from '../show/page-link.tsx'

const UpdatesPage = lazy(() => import('../updates/updates-page.tsx'))
const UpdatePage = lazy(() => import('../updates/update-page.tsx'))
const OperationsPage = lazy(() => import('../operations/operations-page.tsx'))
const OperationPage = lazy(() => import('../operations/operation-page.tsx'))
const StoragePage = lazy(() => import('../storage/storage-page.tsx'))
const ScanPage = lazy(() => import('../scan/scan-page.tsx'))
const AuditPage = lazy(() => import('../audit/audit-page.tsx'))
const ImportPage = lazy(() => import('../import/import-page.tsx'))

/** Which address shows which page. Each is loaded when it is first opened. */
export function Pages() {
  return (
    <Switch>
      <Route path="/">
        <Redirect to="/updates" replace />
      </Route>
      <Route path="/updates" component={UpdatesPage} />
      <Route path="/updates/:provider/:name/:version" component={UpdatePage} />
      <Route path="/operations" component={OperationsPage} />
      <Route path="/operations/:operationId" component={OperationPage} />
      <Route path="/storage" component={StoragePage} />
      <Route path="/scan" component={ScanPage} />
      <Route path="/audit" component={AuditPage} />
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
