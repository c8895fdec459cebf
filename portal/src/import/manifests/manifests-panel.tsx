import { Button } from '@fluentui/react-button'
import { Text } from '@fluentui/react-text'
import { type Dispatch, type SetStateAction, useMemo, useRef, useState } from 'react'
import type { Files } from '../files/use-files.ts'
import { checkFindings } from '../run/check-findings.ts'
import { ImportActions } from '../run/import-actions.tsx'
import type { Run } from '../run/use-run.ts'
import { useUpdatesThere } from '../use-updates-there.ts'
import { judgeManifests, type Urls, urlKey } from './judge-manifests.ts'
import { ManifestCard } from './manifest-card.tsx'
import { orderManifests } from './order-manifests.ts'
import { Unneeded } from './unneeded.tsx'

/** Import manifests that the visitor has, with their files. */
export function ManifestsPanel({
  files,
  run,
  urls,
  change: setUrls,
  onMake,
}: {
  files: Files
  run: Run
  /** Of files that are not here. */
  urls: Urls
  change: Dispatch<SetStateAction<Urls>>
  onMake: () => void
}) {
  const { manifests, payload } = files
  const [isAttempted, setIsAttempted] = useState(false)
  const form = useRef<HTMLDivElement>(null)
  const ids = useMemo(
    () =>
      manifests.flatMap(({ reading: { manifest } }) =>
        manifest ? [manifest.updateId, ...manifest.references.map(({ updateId }) => updateId)] : [],
      ),
    [manifests],
  )
  const there = useUpdatesThere(ids)
  const { judged, readiness } = useMemo(
    () => judgeManifests(manifests, { files: payload, urls, there }),
    [manifests, payload, urls, there],
  )
  if (manifests.length === 0) {
    return payload.length === 0 ? null : (
      <div role="status">
        <p>There is no import manifest among these files.</p>
        <Button appearance="primary" onClick={onMake}>
          Make the manifest here
        </Button>
      </div>
    )
  }
  const found = checkFindings(run.state)
  const order = orderManifests(
    judged.flatMap(({ picked: { key, reading } }) => (reading.manifest ? { key, manifest: reading.manifest } : [])),
  )
  const used = new Set(judged.flatMap(({ matches }) => matches.flatMap(({ picked }) => picked?.key ?? [])))
  return (
    <>
      <div ref={form}>
        {manifests.length > 1 && (
          <p>
            <Text>These {manifests.length} updates are imported together: all of them, or none.</Text>
          </p>
        )}
        {judged.map(({ picked, matches }) => (
          <ManifestCard
            key={picked.key}
            picked={picked}
            matches={matches}
            found={found.filter(({ item = 0 }) => order[item]?.key === picked.key)}
            isThere={there}
            urlOf={(match) => urls[urlKey(picked, match)] ?? ''}
            onUrl={(match, url) => {
              setUrls((current) => ({ ...current, [urlKey(picked, match)]: url }))
              run.forget()
            }}
            onRemove={() => files.remove(picked.key)}
            isAttempted={isAttempted}
          />
        ))}
        <Unneeded files={payload.filter(({ key }) => !used.has(key))} onRemove={files.remove} />
      </div>
      <ImportActions
        readiness={readiness}
        run={run}
        form={form}
        isAttempted={isAttempted}
        onAttempt={() => setIsAttempted(true)}
      />
    </>
  )
}
