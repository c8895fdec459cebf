import { Spinner } from '@fluentui/react-spinner'
import { Tree, TreeItem, TreeItemLayout } from '@fluentui/react-tree'
import { makeStyles } from '@griffel/react'
import { type ReactNode, useCallback, useState } from 'react'
import { useLocation } from 'wouter'
import type { Page } from '../../../src/client/api-types.ts'
import { type Pages, usePages } from '../server/use-pages.ts'
import { useServer } from '../server/use-server.ts'
import { Problem } from '../show/problem.tsx'
import { NoUpdates } from './no-updates.tsx'
import { updatePath } from './update-path.ts'

const useStyles = makeStyles({ layout: { overflowWrap: 'anywhere' } })

/** Provider → name → versions, each level asked for when it is opened. */
export function UpdatesTree() {
  const { client } = useServer()
  const providers = useTexts(useCallback(() => client.pages.providers(), [client]))
  if (providers.error !== undefined) {
    return <Problem error={providers.error} title="Cannot load the providers" onRetry={providers.reload} />
  }
  if (providers.isLoading && providers.items.length === 0) return <Spinner label="Loading providers" />
  if (providers.items.length === 0) return <NoUpdates isFiltered={false} />
  return (
    <Tree aria-label="Updates by provider and name">
      {providers.items.map((provider) => (
        <Branch key={provider} title={provider}>
          <Names provider={provider} />
        </Branch>
      ))}
      <MoreItem pages={providers} />
    </Tree>
  )
}

function Names({ provider }: { provider: string }) {
  const { client } = useServer()
  const names = useTexts(useCallback(() => client.pages.names(provider), [client, provider]))
  return (
    <Level pages={names}>
      {names.items.map((name) => (
        <Branch key={name} title={name}>
          <Versions provider={provider} name={name} />
        </Branch>
      ))}
    </Level>
  )
}

function Versions({ provider, name }: { provider: string; name: string }) {
  const styles = useStyles()
  const { client } = useServer()
  const [, navigate] = useLocation()
  const versions = useTexts(useCallback(() => client.pages.versions({ provider, name }), [client, provider, name]))
  return (
    <Level pages={versions}>
      {versions.items.map((version) => (
        <TreeItem
          key={version}
          value={version}
          itemType="leaf"
          onClick={() => navigate(updatePath({ provider, name, version }))}
        >
          <TreeItemLayout className={styles.layout}>{version}</TreeItemLayout>
        </TreeItem>
      ))}
    </Level>
  )
}

/** What is below it is asked for at the first opening. */
function Branch({ title, children }: { title: string; children: ReactNode }) {
  const styles = useStyles()
  const [isOpen, setIsOpen] = useState(false)
  return (
    <TreeItem value={title} itemType="branch" open={isOpen} onOpenChange={(_event, { open }) => setIsOpen(open)}>
      <TreeItemLayout className={styles.layout}>{title}</TreeItemLayout>
      <Tree>{isOpen && children}</Tree>
    </TreeItem>
  )
}

function Level({ pages, children }: { pages: Pages<string>; children: ReactNode }) {
  return (
    <>
      {children}
      <MoreItem pages={pages} />
    </>
  )
}

function MoreItem({ pages: { isLoading, error, hasMore, more } }: { pages: Pages<string> }) {
  if (isLoading) return <Note>Loading…</Note>
  if (error !== undefined) {
    return (
      <TreeItem itemType="leaf" onClick={more}>
        <TreeItemLayout>Cannot load this. Try again</TreeItemLayout>
      </TreeItem>
    )
  }
  return hasMore ? (
    <TreeItem itemType="leaf" onClick={more}>
      <TreeItemLayout>Show more</TreeItemLayout>
    </TreeItem>
  ) : null
}

function Note({ children }: { children: ReactNode }) {
  return (
    <TreeItem itemType="leaf">
      <TreeItemLayout>{children}</TreeItemLayout>
    </TreeItem>
  )
}

function useTexts(first: () => Promise<Page<string>>): Pages<string> {
  const { client } = useServer()
  const next = useCallback((page: Page<string>) => client.pages.next(page), [client])
  return usePages(first, next)
}
