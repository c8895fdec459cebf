import { Button } from '@fluentui/react-button'
import { Field } from '@fluentui/react-field'
import { Select } from '@fluentui/react-select'
import { makeStyles } from '@griffel/react'
import { useCallback, useEffect } from 'react'
import { useSearchParams } from 'wouter'
import type { Operation, OperationSummary, Page as PageOf } from '../../../src/client/api-types.ts'
import { usePages } from '../server/use-pages.ts'
import { useServer } from '../server/use-server.ts'
import { type Column, DataList } from '../show/data-list.tsx'
import { formatBytes } from '../show/format.ts'
import { More } from '../show/more.tsx'
import { Page } from '../show/page.tsx'
import { PageLink } from '../show/page-link.tsx'
import { Time } from '../show/time.tsx'
import { kindWord, Status, statusWord, subjectOf } from './operation-words.tsx'

const useStyles = makeStyles({
  filters: { display: 'flex', flexWrap: 'wrap', gap: '12px', alignItems: 'end', marginBottom: '16px' },
})

/** While something in the list goes on, it is asked for again this often. */
const REFRESH_MS = 3000

/** As many as the first page has. */
const PAGE = 100

const STATUSES: readonly Operation['status'][] = ['NotStarted', 'Running', 'Succeeded', 'Failed']

const COLUMNS: readonly Column<OperationSummary>[] = [
  {
    title: 'Operation',
    width: 2,
    show: (operation) => (
      <PageLink to={`/operations/${operation.operationId}`}>
        {kindWord(operation.kind)} of {subjectOf(operation) ?? 'an update'}
      </PageLink>
    ),
  },
  {
    title: 'Status',
    width: 1.8,
    show: ({ status, error }) => (
      <>
        <Status status={status} />
        {error !== undefined && <div>{error.innererror?.message ?? error.message}</div>}
      </>
    ),
  },
  { title: 'Progress', width: 0.8, show: (operation) => <Done {...operation} /> },
  { title: 'Asked for on', show: ({ createdDateTime }) => <Time at={createdDateTime} /> },
  { title: 'Last change', show: ({ lastActionDateTime }) => <Time at={lastActionDateTime} /> },
]

/** Imports, deletions and checks of the last seven days. */
export default function OperationsPage() {
  const styles = useStyles()
  const { client } = useServer()
  const [params, setParams] = useSearchParams()
  const status = STATUSES.find((known) => known === params.get('status'))
  const first = useCallback(() => client.pages.operations(status && { status: [status] }), [client, status])
  const next = useCallback((page: PageOf<OperationSummary>) => client.pages.next(page), [client])
  const pages = usePages(first, next)
  const { items, isLoading, reload } = pages
  // Whoever has asked for more looks at what was, not at what goes on.
  const isGoingOn = items.length <= PAGE && items.some(({ status }) => status === 'NotStarted' || status === 'Running')
  useEffect(() => {
    if (!isGoingOn) return
    const timer = setInterval(reload, REFRESH_MS)
    return () => clearInterval(timer)
  }, [isGoingOn, reload])
  return (
    <Page title="Operations">
      <div className={styles.filters}>
        <Field label="Status">
          <Select
            value={status ?? ''}
            onChange={(_event, { value }) => setParams(value === '' ? {} : { status: value }, { replace: true })}
          >
            <option value="">Any</option>
            {STATUSES.map((known) => (
              <option key={known} value={known}>
                {statusWord(known)}
              </option>
            ))}
          </Select>
        </Field>
        <Button onClick={reload}>Refresh</Button>
      </div>
      {items.length > 0 && (
        <DataList label="Operations" columns={COLUMNS} items={items} keyOf={({ operationId }) => operationId} />
      )}
      {items.length === 0 && !isLoading && pages.error === undefined ? (
        <p role="status">
          {status === undefined
            ? 'No operation has been asked for in the last seven days.'
            : `No operation of the last seven days is “${statusWord(status)}”.`}
        </p>
      ) : (
        <More pages={pages} noun="operation" />
      )}
    </Page>
  )
}

function Done({ sizeInBytes, bytesDone, kind }: OperationSummary) {
  if (kind === 'delete' || sizeInBytes === undefined || bytesDone === undefined) return null
  if (bytesDone >= sizeInBytes) return formatBytes(sizeInBytes)
  return `${formatBytes(bytesDone)} of ${formatBytes(sizeInBytes)}`
}
