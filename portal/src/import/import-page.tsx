import { MessageBar, MessageBarBody } from '@fluentui/react-message-bar'
import { Tab, TabList } from '@fluentui/react-tabs'
import { makeStyles } from '@griffel/react'
import { useCallback, useEffect, useState } from 'react'
import { useLocation, useSearch } from 'wouter'
import { useLeaveGuard } from '../frame/leave-guard.ts'
import { useServer } from '../server/use-server.ts'
import { countOf } from '../show/format.ts'
import { Page } from '../show/page.tsx'
import { DropZone } from './files/drop-zone.tsx'
import type { FileAtPath } from './files/picked-file.ts'
import { useFiles } from './files/use-files.ts'
import { useKeptForm, type Way } from './kept-form.ts'
import { emptyDraft } from './make/draft.ts'
import { MakePanel } from './make/make-panel.tsx'
import { withFiles } from './make/with-files.ts'
import { ManifestsPanel } from './manifests/manifests-panel.tsx'
import { useRun } from './run/use-run.ts'
import { NOTHING_TYPED } from './urls/judge-typed.ts'
import { UrlsPanel } from './urls/urls-panel.tsx'

const useStyles = makeStyles({
  tabs: { marginBottom: '16px', marginLeft: '-10px', flexWrap: 'wrap' },
})

/** Far more than any import has: somebody dropped a wrong folder, and all of it would be read. */
const FILES_MAX = 1000

/** How an update gets in: by its manifest and files, by files for which the manifest is made here, or by URLs. */
export default function ImportPage() {
  const { may } = useServer()
  return (
    <Page title="Import update">
      {may('updates/write') ? (
        <Import />
      ) : (
        <p>Importing needs the role Device Update Content Administrator, or Device Update Administrator.</p>
      )}
    </Page>
  )
}

function Import() {
  const styles = useStyles()
  const [, navigate] = useLocation()
  const keptForm = useKeptForm()
  const again = keptForm.of(new URLSearchParams(useSearch()).get('again') ?? '')
  const [way, setWay] = useState<Way>(again?.way ?? 'manifest')
  const [urls, setUrls] = useState(again?.urls ?? {})
  const [draft, setDraft] = useState(() => again?.draft ?? emptyDraft(new Date()))
  const [typed, setTyped] = useState(again?.typed ?? NOTHING_TYPED)
  const [refused, setRefused] = useState<string>()
  const files = useFiles(again)
  const { add, manifests, payload } = files
  const run = useRun()
  const isBusy = run.state.kind === 'uploading' || run.state.kind === 'asking'
  const { forget, state } = run
  useLeaveGuard(isBusy)
  useEffect(() => {
    if (state.kind !== 'accepted') return
    keptForm.keep(state.operationId, { way, manifests, payload, urls, draft, typed })
    navigate(`/operations/${state.operationId}`)
  }, [state, navigate, keptForm, way, manifests, payload, urls, draft, typed])

  const take = useCallback(
    async (given: FileAtPath[]) => {
      forget()
      if (given.length > FILES_MAX) {
        setRefused(
          `These are ${countOf(given.length, 'file')}, and at most ${FILES_MAX} are taken. Choose those of the update.`,
        )
        return
      }
      setRefused(undefined)
      const added = await add(given)
      setDraft((current) => withFiles(current, added.payload))
      // The first drop tells which way is meant.
      if (added.manifests > 0) setWay('manifest')
      else if (added.payload.length > 0 && manifests.length === 0) setWay('make')
    },
    [add, forget, manifests.length],
  )
  // A file that is gone must not come back as a step's.
  useEffect(() => {
    setDraft((current) => ({
      ...current,
      steps: current.steps.map((step) =>
        step.type === 'inline' && !step.files.every((key) => payload.some((file) => file.key === key))
          ? { ...step, files: step.files.filter((key) => payload.some((file) => file.key === key)) }
          : step,
      ),
    }))
  }, [payload])

  return (
    <>
      <TabList
        className={styles.tabs}
        selectedValue={way}
        onTabSelect={(_event, { value }) => {
          setWay(value as Way)
          forget()
        }}
        disabled={isBusy}
      >
        <Tab value="manifest">With an import manifest</Tab>
        <Tab value="make">Make the manifest here</Tab>
        <Tab value="urls">From URLs</Tab>
      </TabList>
      {way !== 'urls' && (
        <DropZone onFiles={take}>
          {way === 'manifest'
            ? 'Drop import manifests with their files here, or a folder that has both. No manifest yet? Drop the files alone, and make it here.'
            : 'Drop the files here that devices shall get. They are uploaded when you import.'}
        </DropZone>
      )}
      {refused !== undefined && (
        <MessageBar intent="error" layout="multiline" role="alert">
          <MessageBarBody>{refused}</MessageBarBody>
        </MessageBar>
      )}
      {way === 'manifest' && (
        <ManifestsPanel files={files} run={run} urls={urls} change={setUrls} onMake={() => setWay('make')} />
      )}
      {way === 'make' && <MakePanel files={files} run={run} draft={draft} change={setDraft} />}
      {way === 'urls' && <UrlsPanel files={files} run={run} typed={typed} change={setTyped} />}
    </>
  )
}
