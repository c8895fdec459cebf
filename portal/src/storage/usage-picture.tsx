import { tokens } from '@fluentui/react-theme'
import { makeStyles } from '@griffel/react'
import type { Usage } from '../../../src/client/api-types.ts'
import { type Column, DataList, Fact, Facts } from '../show/data-list.tsx'
import { countOf, formatBytes, formatNumber } from '../show/format.ts'
import { Section } from '../show/section.tsx'

const useStyles = makeStyles({
  bar: { display: 'block', width: '100%', maxWidth: '640px', height: '28px', marginTop: '8px', marginBottom: '8px' },
  ground: { fill: tokens.colorNeutralBackground5 },
  stored: { fill: tokens.colorBrandBackground },
  shared: { fill: tokens.colorPaletteTealBorderActive },
  key: { margin: '0 0 24px', padding: '0', listStyleType: 'none', display: 'flex', flexWrap: 'wrap', gap: '4px 24px' },
  entry: { display: 'flex', alignItems: 'center', gap: '8px' },
  small: { display: 'block', width: '100%', height: '10px', marginTop: '4px' },
})

/** A picture of what is stored and what is shared, with the same in words and numbers. */
export function UsagePicture({ usage }: { usage: Usage }) {
  const styles = useStyles()
  const { updates, files, sizeInBytes, storedBytes, limits, largest } = usage
  if (files === 0) return <p>Nothing is stored for this instance yet.</p>
  const sharedBytes = sizeInBytes - storedBytes
  const whole = limits.sizeInBytes ?? sizeInBytes
  const percent = (bytes: number) => `${Math.min(100, (100 * bytes) / whole)}%`
  return (
    <>
      <svg
        className={styles.bar}
        role="img"
        aria-label="What the files of this instance take"
        aria-describedby="usage-key"
      >
        <rect width="100%" height="100%" rx="4" className={styles.ground} />
        <rect width={percent(storedBytes)} height="100%" className={styles.stored} />
        <rect x={percent(storedBytes)} width={percent(sharedBytes)} height="100%" className={styles.shared} />
      </svg>
      <ul id="usage-key" className={styles.key}>
        <li className={styles.entry}>
          <Swatch className={styles.stored} /> {formatBytes(storedBytes)} stored
        </li>
        <li className={styles.entry}>
          <Swatch className={styles.shared} /> {formatBytes(sharedBytes)} shared: the same content is stored once
        </li>
        {limits.sizeInBytes !== undefined && (
          <li className={styles.entry}>
            <Swatch className={styles.ground} /> {formatBytes(Math.max(0, limits.sizeInBytes - sizeInBytes))} of the
            quota are left
          </li>
        )}
      </ul>
      <Facts>
        <Fact title="Updates">
          {formatNumber(updates)}
          {limits.updates !== undefined && ` of ${formatNumber(limits.updates)}`}
        </Fact>
        <Fact title="Files">{formatNumber(files)}</Fact>
        <Fact title="Size of all files">
          {formatBytes(sizeInBytes)}
          {limits.sizeInBytes !== undefined && ` of ${formatBytes(limits.sizeInBytes)}`}
        </Fact>
      </Facts>
      <Section title="What takes most">
        <Largest largest={largest} />
      </Section>
    </>
  )
}

function Swatch({ className }: { className: string }) {
  return (
    <svg width="12" height="12" aria-hidden="true">
      <rect width="12" height="12" rx="2" className={className} />
    </svg>
  )
}

function Largest({ largest }: { largest: Usage['largest'] }) {
  const styles = useStyles()
  const most = largest[0]?.sizeInBytes ?? 1
  const columns: readonly Column<Usage['largest'][number]>[] = [
    { title: 'Provider', show: ({ provider }) => provider },
    { title: 'Name', show: ({ name }) => name },
    { title: 'Versions', width: 0.8, show: ({ updates }) => countOf(updates, 'version') },
    {
      title: 'Size',
      width: 1.6,
      show: ({ sizeInBytes }) => (
        <>
          {formatBytes(sizeInBytes)}
          <svg className={styles.small} aria-hidden="true">
            <rect width={`${(100 * sizeInBytes) / most}%`} height="100%" rx="3" className={styles.stored} />
          </svg>
        </>
      ),
    },
  ]
  return (
    <DataList
      label="What takes most"
      columns={columns}
      items={largest}
      keyOf={({ provider, name }) => `${provider}/${name}`}
    />
  )
}
