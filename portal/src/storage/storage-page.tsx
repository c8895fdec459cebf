import { useCallback } from 'react'
import type { Distribution } from '../../../src/client/api-types.ts'
import { useLoaded } from '../server/use-loaded.ts'
import { useServer } from '../server/use-server.ts'
import { type Column, DataList } from '../show/data-list.tsx'
import { formatNumber } from '../show/format.ts'
import { Loading } from '../show/loading.tsx'
import { Page } from '../show/page.tsx'
import { Section } from '../show/section.tsx'
import { Time } from '../show/time.tsx'
import { UsagePicture } from './usage-picture.tsx'

const STORE_COLUMNS: readonly Column<Distribution['stores'][number]>[] = [
  { title: 'Store', show: ({ store }) => store },
  { title: 'Must be reached', show: ({ isRequired }) => (isRequired ? 'By every import' : 'No') },
  { title: 'Files there', show: ({ present }) => formatNumber(present) },
  {
    title: 'To be copied',
    width: 1.4,
    show: ({ waiting, oldestWaiting }) => (
      <>
        {formatNumber(waiting)}
        {oldestWaiting !== undefined && (
          <div>
            since <Time at={oldestWaiting.since} />
            {oldestWaiting.reason !== undefined && `: ${oldestWaiting.reason}`}
          </div>
        )}
      </>
    ),
  },
  { title: 'To be removed', show: ({ dropping }) => formatNumber(dropping) },
  {
    title: 'Last compared',
    show: ({ lastCheckDateTime }) => (lastCheckDateTime === undefined ? 'Not yet' : <Time at={lastCheckDateTime} />),
  },
]

/** What the updates of an instance take, and where they are distributed. */
export default function StoragePage() {
  const { client } = useServer()
  const load = useCallback(async () => {
    const [usage, distribution] = await Promise.all([client.getUsage(), client.getDistribution()])
    return { usage, stores: distribution.stores }
  }, [client])
  const loaded = useLoaded(load)
  return (
    <Page title="Storage">
      <Loading of={loaded} what="what is stored">
        {({ usage, stores }) => (
          <>
            <UsagePicture usage={usage} />
            {stores.length > 0 && (
              <Section title="Distribution stores">
                <DataList
                  label="Distribution stores"
                  columns={STORE_COLUMNS}
                  items={stores}
                  keyOf={({ store }) => store}
                />
              </Section>
            )}
          </>
        )}
      </Loading>
    </Page>
  )
}
