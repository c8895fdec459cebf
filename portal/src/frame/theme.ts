import { type Theme, webDarkTheme, webLightTheme } from '@fluentui/react-theme'
import { useCallback, useEffect, useState, useSyncExternalStore } from 'react'

/** What a visitor chose; `system` follows the machine. */
export type ThemeChoice = 'system' | 'light' | 'dark'

const KEY = 'aduana.theme'
const darkSystem = matchMedia('(prefers-color-scheme: dark)')

function subscribe(listener: () => void): () => void {
  darkSystem.addEventListener('change', listener)
  return () => darkSystem.removeEventListener('change', listener)
}

/** The theme to show, and the choice, which this browser remembers. */
export function useTheme(): { theme: Theme; choice: ThemeChoice; choose: (choice: ThemeChoice) => void } {
  const [choice, setChoice] = useState(readChoice)
  const isSystemDark = useSyncExternalStore(subscribe, () => darkSystem.matches)
  const isDark = choice === 'dark' || (choice === 'system' && isSystemDark)
  const theme = isDark ? webDarkTheme : webLightTheme
  useEffect(() => {
    // Scroll bars and form fields of the browser's own, and what is beyond the end of the page.
    const { style } = document.documentElement
    style.colorScheme = isDark ? 'dark' : 'light'
    style.backgroundColor = theme.colorNeutralBackground1
  }, [isDark, theme])
  const choose = useCallback((next: ThemeChoice) => {
    setChoice(next)
    try {
      localStorage.setItem(KEY, next)
    } catch {
      // A browser that keeps nothing shows it until the page is left.
    }
  }, [])
  return { theme, choice, choose }
}

function readChoice(): ThemeChoice {
  try {
    const kept = localStorage.getItem(KEY)
    return kept === 'light' || kept === 'dark' ? kept : 'system'
  } catch {
    return 'system'
  }
}
