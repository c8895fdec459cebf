import { Tab, TabList } from '@fluentui/react-tabs'
import { makeStyles } from '@griffel/react'
import { useSearchParams } from 'wouter'
import { useServer } from '../server/use-server.ts'
import { Page } from '../show/page.tsx'
import { ImportLink } from './import-link.tsx'
import { UpdatesList } from './updates-list.tsx'
import { UpdatesTree } from './updates-tree.tsx'

const useStyles = makeStyles({ tabs: { marginBottom: '16px', marginLeft: '-10px' } })

/** The catalogue of an instance, as a list to search or as a tree. */
export default function UpdatesPage() {
  const styles = useStyles()
  const { may } = useServer()
  const [params, setParams] = useSearchParams()
  const view = params.get('view') === 'tree' ? 'tree' : 'list'
  return (
    <Page title="Updates" actions={may('updates/write') && <ImportLink />}>
      <TabList
        className={styles.tabs}
        selectedValue={view}
        onTabSelect={(_event, { value }) => setParams(value === 'tree' ? { view: 'tree' } : {})}
      >
        <Tab value="list">List</Tab>
        <Tab value="tree">By provider</Tab>
      </TabList>
      {view === 'tree' ? <UpdatesTree /> : <UpdatesList />}
    </Page>
  )
}
