import { Badge } from '@fluentui/react-badge'
import { Link } from '@fluentui/react-link'
import { tokens } from '@fluentui/react-theme'
import { makeStyles } from '@griffel/react'
import type { ContentFile, FileCopy, UpdateWithContent } from '../../../src/client/api-types.ts'
import { type Column, DataList } from '../show/data-list.tsx'
import { formatBytes, formatNumber } from '../show/format.ts'
import { Verdict } from '../show/verdict.tsx'

/** A file of an update, or one that belongs to another file. */
interface ListedFile extends ContentFile {
  /** Of a related file, the file that a device makes from it. */
  baseName?: string
}

const useStyles = makeStyles({
  hash: { fontFamily: tokens.fontFamilyMonospace, fontSize: tokens.fontSizeBase200 },
  copies: { margin: '0', padding: '0', listStyleType: 'none', display: 'grid', gap: '4px' },
})

const COLUMNS: readonly Column<ListedFile>[] = [
  {
    title: 'File name',
    width: 1.5,
    show: ({ fileName, contentUrl, baseName, scanResult }) => (
      <>
        {scanResult === 'Infected' ? fileName : <Link href={contentUrl}>{fileName}</Link>}
        {baseName !== undefined && <div>Related to {baseName}</div>}
      </>
    ),
  },
  {
    title: 'Size',
    width: 0.7,
    show: ({ sizeInBytes }) => <span title={`${formatNumber(sizeInBytes)} bytes`}>{formatBytes(sizeInBytes)}</span>,
  },
  { title: 'SHA-256', width: 1.6, show: ({ hashes }) => <Hash text={hashes.sha256 ?? ''} /> },
  {
    title: 'Malware scan',
    show: ({ scanResult, scanDetails }) => <Verdict result={scanResult} details={scanDetails} />,
  },
]

const STORES_COLUMN: Column<ListedFile> = {
  title: 'Distributed to',
  width: 1.2,
  show: ({ distribution = [] }) => <Copies copies={distribution} />,
}

/** Every file with where its bytes are; related files stand below the file that they belong to. */
export function Files({ files }: { files: UpdateWithContent['files'] }) {
  if (files.length === 0) return <p>This update has no files of its own: it installs others.</p>
  const listed = files.flatMap(({ relatedFiles = [], ...file }): ListedFile[] => [
    file,
    ...relatedFiles.map((related) => ({ ...related, baseName: file.fileName })),
  ])
  const hasStores = listed.some(({ distribution }) => distribution !== undefined)
  return (
    <DataList
      label="Files"
      columns={hasStores ? [...COLUMNS, STORES_COLUMN] : COLUMNS}
      items={listed}
      keyOf={({ fileId }) => fileId}
    />
  )
}

function Hash({ text }: { text: string }) {
  return <code className={useStyles().hash}>{text}</code>
}

const STATES: Readonly<Record<FileCopy['state'], { word: string; color: 'success' | 'warning' | 'informative' }>> = {
  Present: { word: 'present', color: 'success' },
  Waiting: { word: 'to be copied', color: 'warning' },
  Dropping: { word: 'being removed', color: 'informative' },
}

function Copies({ copies }: { copies: readonly FileCopy[] }) {
  const styles = useStyles()
  if (copies.length === 0) return 'Nowhere yet'
  return (
    <ul className={styles.copies}>
      {copies.map(({ store, state, reason, url }) => (
        <li key={store}>
          {url === undefined ? store : <Link href={url}>{store}</Link>}{' '}
          <Badge appearance="tint" color={STATES[state].color}>
            {STATES[state].word}
          </Badge>
          {reason !== undefined && <div>{reason}</div>}
        </li>
      ))}
    </ul>
  )
}
