import { createContext, useContext } from 'react'
import type { ThemeChoice } from './theme.ts'

export const ThemeContext = createContext<{ choice: ThemeChoice; choose: (choice: ThemeChoice) => void }>({
  choice: 'system',
  choose: () => {},
})

export function useThemeChoice() {
  return useContext(ThemeContext)
}
