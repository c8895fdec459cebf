import { Button } from '@fluentui/react-button'
import { Field } from '@fluentui/react-field'
import { Input } from '@fluentui/react-input'
import { Text } from '@fluentui/react-text'
import { tokens } from '@fluentui/react-theme'
import { makeStyles } from '@griffel/react'
import { useId } from 'react'
import type { OperationError } from '../../../../src/client/api-types.ts'
import { formatUpdateId } from '../../../../src/domain/update-id.ts'
import { formatBytes } from '../../show/format.ts'
import { FileState } from '../files/file-state.tsx'
import type { PickedManifest } from '../files/picked-file.ts'
import { judgeUrl } from '../urls/judge-url.ts'
import { useCardStyles } from '../use-card-styles.ts'
import { ManifestFindings } from './manifest-findings.tsx'
import type { Match } from './match-files.ts'

const useStyles = makeStyles({
  list: { listStyleType: 'none', margin: '0', padding: '0', display: 'grid', gap: '12px' },
  wrong: { color: tokens.colorPaletteRedForeground1 },
  good: { color: tokens.colorStatusSuccessForeground1 },
  file: { display: 'grid', gap: '2px', minWidth: '0' },
})

/** One import manifest: what it is, what is wrong with it, and its files. */
export function ManifestCard({
  picked,
  matches,
  found,
  isThere,
  urlOf,
  onUrl,
  onRemove,
  isAttempted,
}: {
  picked: PickedManifest
  matches: readonly Match[]
  /** What a check by the server found. */
  found: readonly OperationError[]
  isThere: ReadonlyMap<string, boolean>
  urlOf: (match: Match) => string
  onUrl: (match: Match, url: string) => void
  onRemove: () => void
  isAttempted: boolean
}) {
  const styles = useStyles()
  const card = useCardStyles()
  const id = useId()
  const { manifest, errors, warnings } = picked.reading
  const title = manifest === undefined ? picked.name : formatUpdateId(manifest.updateId)
  return (
    <section className={card.card} aria-labelledby={id}>
      <div className={card.head}>
        <Text as="h2" id={id} weight="semibold" size={400} className={card.title}>
          <bdi>{title}</bdi>
        </Text>
        <Button size="small" onClick={onRemove} aria-label={`Remove ${picked.name}`}>
          Remove
        </Button>
      </div>
      {manifest !== undefined && (
        <Text>
          Manifest {manifest.manifestVersion}, <bdi>{picked.name}</bdi>
          {manifest.isDeployable ? '' : ', not deployable by itself'}
        </Text>
      )}
      {isThere.get(title) === true && (
        <Text className={styles.wrong} tabIndex={-1} data-problem>
          This update is in the instance already. Imported updates never change: use another version.
        </Text>
      )}
      <ManifestFindings errors={errors} warnings={warnings} found={found} />
      {matches.length > 0 && (
        <ul className={styles.list} aria-label={`Files of ${title}`}>
          {matches.map((match) => (
            <li key={match.fileName} className={styles.file}>
              <Text weight="semibold">
                <bdi>{match.fileName}</bdi>
              </Text>
              <FileMatch
                match={match}
                url={urlOf(match)}
                onUrl={(url) => onUrl(match, url)}
                isAttempted={isAttempted}
              />
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}

function FileMatch({
  match: { fileName, sizeInBytes, state, picked, problem },
  url,
  onUrl,
  isAttempted,
}: {
  match: Match
  url: string
  onUrl: (url: string) => void
  isAttempted: boolean
}) {
  const styles = useStyles()
  if (state === 'missing') {
    const wrong = url === '' ? `${fileName} is missing. Drop it, choose it, or write its URL.` : judgeUrl(url)
    const isTold = wrong !== undefined && (url !== '' || isAttempted)
    return (
      <Field
        label={`Not here yet (${formatBytes(sizeInBytes)}): drop or choose it, or write the URL of ${fileName}`}
        {...(isTold && { validationMessage: wrong, validationState: 'error' })}
      >
        <Input
          value={url}
          onChange={(_event, { value }) => onUrl(value.trim())}
          inputMode="url"
          autoComplete="off"
          spellCheck={false}
        />
      </Field>
    )
  }
  if (state === 'wrong') {
    return (
      <Text className={styles.wrong} tabIndex={-1} data-problem role="alert">
        {problem}
      </Text>
    )
  }
  return (
    <Text size={200}>
      {state === 'right' && <span className={styles.good}>As the manifest says: </span>}
      {picked !== undefined && <FileState file={picked} />}
      {picked !== undefined && picked.name !== fileName && (
        <>
          , from <bdi>{picked.name}</bdi>
        </>
      )}
    </Text>
  )
}
