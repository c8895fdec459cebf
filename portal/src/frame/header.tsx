import { Button } from '@fluentui/react-button'
import { Menu, MenuItem, MenuItemRadio, MenuList, MenuPopover, MenuTrigger } from '@fluentui/react-menu'
import { Select } from '@fluentui/react-select'
import { Text } from '@fluentui/react-text'
import { tokens } from '@fluentui/react-theme'
import { makeStyles } from '@griffel/react'
import { useId } from 'react'
import { Link, useLocation } from 'wouter'
import { useServer } from '../server/use-server.ts'
import { useSession } from '../session/use-session.ts'
import { PersonIcon, ThemeIcon } from './icons.tsx'
import type { ThemeChoice } from './theme.ts'
import { useThemeChoice } from './use-theme-choice.ts'

const useStyles = makeStyles({
  header: {
    // Its menus hang over what follows.
    position: 'relative',
    zIndex: 1,
    display: 'flex',
    flexWrap: 'wrap',
    alignItems: 'center',
    gap: '4px 12px',
    padding: '6px 16px',
    backgroundColor: tokens.colorNeutralBackground3,
    borderBottom: `1px solid ${tokens.colorNeutralStroke2}`,
  },
  product: {
    flexGrow: 1,
    color: tokens.colorNeutralForeground1,
    textDecorationLine: 'none',
    fontWeight: tokens.fontWeightSemibold,
    fontSize: tokens.fontSizeBase400,
  },
  about: { color: tokens.colorNeutralForeground2, marginLeft: '8px', '@media (max-width: 720px)': { display: 'none' } },
  choice: { maxWidth: '50vw' },
  instance: { display: 'flex', alignItems: 'center', gap: '8px' },
  who: { padding: '6px 12px', maxWidth: '280px', display: 'grid', overflowWrap: 'anywhere' },
})

/** The top of every page: which server, which instance, and who. */
export function Header() {
  const styles = useStyles()
  return (
    <header className={styles.header}>
      <Link href="/updates" className={styles.product}>
        Aduana
        <Text className={styles.about}>Device Update imports</Text>
      </Link>
      <InstanceSwitch />
      <ThemeSwitch />
      <AccountMenu />
    </header>
  )
}

function InstanceSwitch() {
  const styles = useStyles()
  const id = useId()
  const { instance, instances } = useServer()
  const [, navigate] = useLocation()
  const names = instances.value.map((known) => known.instance)
  return (
    <div className={styles.instance}>
      <label htmlFor={id}>Instance</label>
      <Select
        id={id}
        className={styles.choice}
        value={instance}
        onChange={(_event, { value }) => navigate(`~/instances/${value}/updates`)}
        appearance="outline"
      >
        {/* The address may name one that is not there. */}
        {!names.includes(instance) && <option value={instance}>{instance}</option>}
        {names.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </Select>
    </div>
  )
}

const THEMES: [choice: ThemeChoice, title: string][] = [
  ['system', 'As the system'],
  ['light', 'Light'],
  ['dark', 'Dark'],
]

function ThemeSwitch() {
  const { choice, choose } = useThemeChoice()
  return (
    <Menu
      inline
      checkedValues={{ theme: [choice] }}
      onCheckedValueChange={(_event, { checkedItems: [chosen] }) => choose(chosen as ThemeChoice)}
    >
      <MenuTrigger disableButtonEnhancement>
        <Button appearance="subtle" icon={<ThemeIcon />} aria-label="Theme" />
      </MenuTrigger>
      <MenuPopover>
        <MenuList>
          {THEMES.map(([name, title]) => (
            <MenuItemRadio key={name} name="theme" value={name}>
              {title}
            </MenuItemRadio>
          ))}
        </MenuList>
      </MenuPopover>
    </Menu>
  )
}

function AccountMenu() {
  const styles = useStyles()
  const session = useSession()
  const { instances } = useServer()
  return (
    <Menu inline>
      <MenuTrigger disableButtonEnhancement>
        <Button appearance="subtle" icon={<PersonIcon />} aria-label="Account" />
      </MenuTrigger>
      <MenuPopover>
        <div className={styles.who}>
          <Text weight="semibold">{instances.subject}</Text>
          <Text size={200}>{instances.issuer}</Text>
        </div>
        <MenuList>
          <MenuItem onClick={session.signOut}>Sign out</MenuItem>
        </MenuList>
      </MenuPopover>
    </Menu>
  )
}
