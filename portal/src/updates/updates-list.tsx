import { Button } from '@fluentui/react-button'
import { Field } from '@fluentui/react-field'
import { SearchBox } from '@fluentui/react-search'
import { Select } from '@fluentui/react-select'
import { makeStyles } from '@griffel/react'
import { useCallback, useEffect, useRef, useState } from 'react'
import { useSearchParams } from 'wouter'
import type { Page, Update } from '../../../src/client/api-types.ts'
import { formatUpdateId } from '../../../src/domain/update-id.ts'
import { usePages } from '../server/use-pages.ts'
import { useServer } from '../server/use-server.ts'
import { type Column, DataList } from '../show/data-list.tsx'
import { More } from '../show/more.tsx'
import { PageLink } from '../show/page-link.tsx'
import { Time } from '../show/time.tsx'
import { Verdict } from '../show/verdict.tsx'
import { NoUpdates } from './no-updates.tsx'
import { updatePath } from './update-path.ts'

const useStyles = makeStyles({
  filters: { display: 'flex', flexWrap: 'wrap', gap: '12px', alignItems: 'end', marginBottom: '16px' },
  search: { flexGrow: 1, minWidth: '220px', maxWidth: '480px' },
  box: { maxWidth: '100%' },
})

/** As the API limits it. */
const SEARCH_LENGTH_MAX = 256
const TYPING_PAUSE_MS = 300

const COLUMNS: readonly Column<Update>[] = [
  { title: 'Provider', show: ({ updateId }) => updateId.provider },
  {
    title: 'Name',
    width: 1.4,
    show: ({ updateId, friendlyName }) => (
      <>
        <PageLink to={updatePath(updateId)} label={formatUpdateId(updateId)}>
          {updateId.name}
        </PageLink>
        {friendlyName !== undefined && <div>{friendlyName}</div>}
      </>
    ),
  },
  {
    title: 'Version',
    width: 0.8,
    show: ({ updateId }) => updateId.version,
  },
  { title: 'Deployable', width: 0.8, show: ({ isDeployable = true }) => (isDeployable ? 'Yes' : 'No') },
  { title: 'Malware scan', width: 0.8, show: ({ scanResult }) => <Verdict result={scanResult} /> },
  { title: 'Imported on', show: ({ importedDateTime }) => <Time at={importedDateTime} /> },
]

const FILTERS: Readonly<Record<string, string>> = { yes: 'isDeployable eq true', no: 'isDeployable eq false' }

/** Every update of the instance, searched and filtered by the server. What is sought stands in the address. */
export function UpdatesList() {
  const styles = useStyles()
  const { client } = useServer()
  const [params, setParams] = useSearchParams()
  const search = params.get('search') ?? ''
  const deployable = params.get('deployable') ?? ''
  const [typed, setTyped] = useState(search)
  const ask = useCallback(
    (next: Record<string, string>) =>
      setParams(
        (current) => {
          const all = { ...Object.fromEntries(current), ...next }
          return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== ''))
        },
        { replace: true },
      ),
    [setParams],
  )
  // What was typed goes into the address a little later; what else changes the address, such as a link, is what is sought from now on.
  const sent = useRef(search)
  useEffect(() => {
    if (search === sent.current) return
    sent.current = search
    setTyped(search)
  }, [search])
  useEffect(() => {
    if (typed === sent.current) return
    const timer = setTimeout(() => {
      sent.current = typed
      ask({ search: typed })
    }, TYPING_PAUSE_MS)
    return () => clearTimeout(timer)
  }, [typed, ask])

  const first = useCallback(
    () => client.pages.updates({ search: search.trim() === '' ? undefined : search, filter: FILTERS[deployable] }),
    [client, search, deployable],
  )
  const next = useCallback((page: Page<Update>) => client.pages.next(page), [client])
  const pages = usePages(first, next)
  const isEmpty = !pages.isLoading && pages.error === undefined && pages.items.length === 0
  const isFiltered = search.trim() !== '' || deployable !== ''
  return (
    <>
      {/* biome-ignore lint/a11y/useSemanticElements: the element search is not known to every browser yet. */}
      <div role="search" className={styles.filters}>
        <Field label="Search by provider, name, version or description" className={styles.search}>
          <SearchBox
            className={styles.box}
            value={typed}
            maxLength={SEARCH_LENGTH_MAX}
            onChange={(_event, { value }) => setTyped(value)}
          />
        </Field>
        <Field label="Deployable">
          <Select value={deployable} onChange={(_event, { value }) => ask({ deployable: value })}>
            <option value="">All updates</option>
            <option value="yes">Deployable</option>
            <option value="no">Not deployable</option>
          </Select>
        </Field>
        <Button onClick={pages.reload}>Refresh</Button>
      </div>
      {pages.items.length > 0 && (
        <DataList
          label="Updates"
          columns={COLUMNS}
          items={pages.items}
          keyOf={({ updateId }) => formatUpdateId(updateId)}
        />
      )}
      {isEmpty && !pages.hasMore ? <NoUpdates isFiltered={isFiltered} /> : <More pages={pages} noun="update" />}
    </>
  )
}
