import { Button } from '@fluentui/react-button'
import { tokens } from '@fluentui/react-theme'
import { makeStyles, mergeClasses } from '@griffel/react'
import { type ReactNode, useEffect, useState } from 'react'
import { Link, useLocation } from 'wouter'
import { type Server, useServer } from '../server/use-server.ts'
import { useIsNarrow } from '../show/use-is-narrow.ts'
import { AuditIcon, ImportIcon, MenuIcon, OperationsIcon, ScanIcon, StorageIcon, UpdatesIcon } from './icons.tsx'

const useStyles = makeStyles({
  nav: { padding: '12px', '@media (max-width: 720px)': { padding: '8px' } },
  list: { listStyleType: 'none', margin: '0', padding: '0', display: 'grid', gap: '2px' },
  closed: { display: 'none' },
  link: {
    display: 'flex',
    alignItems: 'center',
    gap: '10px',
    padding: '8px 12px',
    borderRadius: tokens.borderRadiusMedium,
    color: tokens.colorNeutralForeground1,
    textDecorationLine: 'none',
    ':hover': { backgroundColor: tokens.colorNeutralBackground1Hover },
    ':focus-visible': { outline: `2px solid ${tokens.colorStrokeFocus2}` },
  },
  current: { backgroundColor: tokens.colorNeutralBackground1Selected, fontWeight: tokens.fontWeightSemibold },
})

interface Place {
  to: string
  title: string
  icon: ReactNode
  isOpen?: (server: Server) => boolean
}

const PLACES: readonly Place[] = [
  { to: '/updates', title: 'Updates', icon: <UpdatesIcon /> },
  { to: '/import', title: 'Import update', icon: <ImportIcon />, isOpen: ({ may }) => may('updates/write') },
  { to: '/operations', title: 'Operations', icon: <OperationsIcon /> },
  { to: '/storage', title: 'Storage', icon: <StorageIcon /> },
  { to: '/scan', title: 'Malware scan', icon: <ScanIcon />, isOpen: ({ instances }) => instances.malwareScan },
  { to: '/audit', title: 'Audit log', icon: <AuditIcon />, isOpen: ({ may }) => may('management/read') },
]

/** The pages of an instance, as far as the visitor may see them. */
export function Navigation() {
  const styles = useStyles()
  const server = useServer()
  const isNarrow = useIsNarrow()
  const [location] = useLocation()
  const [isOpen, setIsOpen] = useState(false)
  // biome-ignore lint/correctness/useExhaustiveDependencies: whoever has gone to a page is done with the menu.
  useEffect(() => setIsOpen(false), [location])
  return (
    <nav aria-label="Pages" className={styles.nav}>
      {isNarrow && (
        <Button
          appearance="subtle"
          icon={<MenuIcon />}
          aria-expanded={isOpen}
          aria-controls="places"
          onClick={() => setIsOpen(!isOpen)}
        >
          Menu
        </Button>
      )}
      <ul id="places" className={mergeClasses(styles.list, isNarrow && !isOpen && styles.closed)}>
        {PLACES.filter((place) => place.isOpen?.(server) ?? true).map(({ to, title, icon }) => {
          const isCurrent = location === to || location.startsWith(`${to}/`)
          return (
            <li key={to}>
              <Link
                href={to}
                className={mergeClasses(styles.link, isCurrent && styles.current)}
                aria-current={isCurrent ? 'page' : undefined}
              >
                {icon}
                {title}
              </Link>
            </li>
          )
        })}
      </ul>
    </nav>
  )
}
