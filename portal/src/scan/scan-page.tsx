import { Button } from '@fluentui/react-button'
import { Checkbox } from '@fluentui/react-checkbox'
import { MessageBar, MessageBarBody, MessageBarTitle } from '@fluentui/react-message-bar'
import { ProgressBar } from '@fluentui/react-progress'
import { makeStyles } from '@griffel/react'
import { useCallback, useEffect, useState } from 'react'
import { ApiError } from '../../../src/client/api-error.ts'
import type { Rescan } from '../../../src/client/api-types.ts'
import { useLoaded } from '../server/use-loaded.ts'
import { useServer } from '../server/use-server.ts'
import { Fact, Facts } from '../show/data-list.tsx'
import { formatNumber } from '../show/format.ts'
import { Loading } from '../show/loading.tsx'
import { Page } from '../show/page.tsx'
import { Problem } from '../show/problem.tsx'
import { Section } from '../show/section.tsx'
import { Time } from '../show/time.tsx'
import { UpdateLinks } from '../updates/references.tsx'

const useStyles = makeStyles({
  ask: { display: 'flex', flexWrap: 'wrap', gap: '12px', alignItems: 'center' },
  bar: { maxWidth: '480px', marginTop: '8px' },
})

/** While a scan goes on, it is asked for again this often. */
const REFRESH_MS = 3000

/** How the malware scan of an instance stands, and the way to another one. */
export default function ScanPage() {
  const { client, may } = useServer()
  const load = useCallback(async () => {
    try {
      return await client.getRescan()
    } catch (error) {
      // Nobody has asked for one yet.
      if (error instanceof ApiError && error.status === 404) return undefined
      throw error
    }
  }, [client])
  const rescan = useLoaded(load)
  const { loaded, reload } = rescan
  useEffect(() => {
    if (loaded.kind !== 'ready' || loaded.value === undefined || loaded.value.endedDateTime !== undefined) return
    const timer = setTimeout(reload, REFRESH_MS)
    return () => clearTimeout(timer)
  }, [loaded, reload])
  return (
    <Page title="Malware scan">
      <p>
        Every file is scanned when it is imported. Since signatures get better, what is imported already can be scanned
        again.
      </p>
      {may('updates/write') && <Ask onAsked={reload} />}
      <Section title="The last scan of what is imported">
        <Loading of={rescan} what="the last scan">
          {(value) => (value === undefined ? <p>None was asked for yet.</p> : <State rescan={value} />)}
        </Loading>
      </Section>
    </Page>
  )
}

function Ask({ onAsked }: { onAsked: () => void }) {
  const styles = useStyles()
  const { client } = useServer()
  const [everything, setEverything] = useState(false)
  const [problem, setProblem] = useState<unknown>()
  const ask = async () => {
    setProblem(undefined)
    try {
      await client.startRescan({ everything })
      onAsked()
    } catch (error) {
      setProblem(error)
    }
  }
  return (
    <>
      {problem !== undefined && <Problem error={problem} title="Cannot scan now" />}
      <div className={styles.ask}>
        <Button appearance="primary" onClick={ask}>
          Scan again
        </Button>
        <Checkbox
          checked={everything}
          onChange={(_event, { checked }) => setEverything(checked === true)}
          label="Also what was scanned with the signatures of today"
        />
      </div>
    </>
  )
}

function State({ rescan }: { rescan: Rescan }) {
  const styles = useStyles()
  const { wantedDateTime, endedDateTime, total, remaining, infected, notScanned, infectedUpdates, problems } = rescan
  const done = total - remaining
  return (
    <>
      {problems.length > 0 && (
        <MessageBar intent="warning" layout="multiline">
          <MessageBarBody>
            <MessageBarTitle>The scanner has a problem</MessageBarTitle> {problems.join(' ')}
          </MessageBarBody>
        </MessageBar>
      )}
      <p role="status">{endedDateTime === undefined ? 'The scan goes on.' : 'The scan has ended.'}</p>
      <Facts>
        <Fact title="Asked for on">
          <Time at={wantedDateTime} />
        </Fact>
        {endedDateTime !== undefined && (
          <Fact title="Ended on">
            <Time at={endedDateTime} />
          </Fact>
        )}
        <Fact title="Scanned">
          {formatNumber(done)} of {formatNumber(total)} contents
          <ProgressBar
            className={styles.bar}
            value={total === 0 ? 1 : done / total}
            thickness="large"
            aria-label="Progress of the scan"
          />
        </Fact>
        <Fact title="Infected">{formatNumber(infected)}</Fact>
        <Fact title="Not scanned">{formatNumber(notScanned)}</Fact>
        {infectedUpdates.length > 0 && (
          <Fact title="Infected updates">
            <UpdateLinks updates={infectedUpdates} />
          </Fact>
        )}
      </Facts>
    </>
  )
}
